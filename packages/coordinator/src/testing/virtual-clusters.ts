/** Whole virtual clusters with one interesting field each, for tests. */
import {
  GIB,
  privateNetworkName,
  type MemberTemplate,
  type VirtualClusterRecord,
} from "@muster/model";
import { WHEN } from "./builders.ts";

export const aTemplate = (change: Partial<MemberTemplate> = {}): MemberTemplate => ({
  cpus: 1,
  memoryBytes: GIB,
  disks: [],
  extraNics: [],
  antiAffinityGroups: [],
  ...change,
});

/** Booted, and without members. */
export const aVirtualCluster = (
  name: string,
  change: Partial<VirtualClusterRecord> = {},
): VirtualClusterRecord => ({
  name,
  image: "",
  frontend: aTemplate(),
  compute: aTemplate(),
  members: [],
  computeCount: 0,
  network: privateNetworkName(name),
  fullName: name,
  givenUp: [],
  booted: true,
  createdAt: WHEN,
  createdBy: "ann",
  ...change,
});
