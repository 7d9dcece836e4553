/**
 * Requests as a person's program makes them. Fields that are not given have their wire defaults, so that a new field
 * of the API changes nothing here.
 */
import {
  CreateNetworkRequest,
  CreateVmRequest,
  DrainHostRequest,
  MigrateVmRequest,
  SetNetworkRequest,
} from "@muster/proto/admin";
import type { NetworkSpec } from "@muster/proto/types";
import { DiskSpec, NicSpec, VmSpec } from "@muster/proto/types";
import { GIB, type HaPolicy } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeHaPolicy, encodeNetworkSpec } from "@muster/model/wire";

const nothing = new Uint8Array();

function filled<Message>(
  codec: { decode(bytes: Uint8Array): Message },
  fields: Partial<Message>,
): Message {
  return { ...codec.decode(nothing), ...fields };
}

export interface WantedVm {
  readonly name: string;
  readonly cpus?: number;
  readonly memoryBytes?: bigint;
  /** Without: it has no disk. */
  readonly storage?: string;
  readonly diskBytes?: bigint;
  readonly networks?: readonly string[];
  readonly antiAffinityGroups?: readonly string[];
  readonly stopped?: boolean;
  readonly host?: string;
  /** Undefined: its owner says nothing. */
  readonly policy?: HaPolicy | undefined;
}

export const createVmRequest = (wanted: WantedVm): CreateVmRequest =>
  filled(CreateVmRequest, {
    spec: filled(VmSpec, {
      name: wanted.name,
      cpus: wanted.cpus ?? 1,
      memoryBytes: wanted.memoryBytes ?? GIB,
      disks:
        wanted.storage === undefined
          ? []
          : [
              filled(DiskSpec, {
                storage: wanted.storage,
                sizeBytes: wanted.diskBytes ?? GIB,
              }),
            ],
      nics: (wanted.networks ?? []).map((network) => filled(NicSpec, { network })),
      antiAffinityGroups: [...(wanted.antiAffinityGroups ?? [])],
      ha: wanted.policy === undefined ? undefined : encodeHaPolicy(wanted.policy),
    }),
    stopped: wanted.stopped ?? false,
    host: wanted.host ?? "",
  });

/** @param options without a host the planner chooses. */
export const migrateVmRequest = (
  vm: string,
  options: { readonly host?: string; readonly copyStorage?: boolean } = {},
): MigrateVmRequest => filled(MigrateVmRequest, { vm, ...options });

/** With a subnet of its own, so that VMs on it have addresses. */
const networkSpec = (name: string, vlan: number): NetworkSpec =>
  encodeNetworkSpec(
    aNetwork({
      name,
      vlan,
      subnets: [
        {
          cidr: `10.${String(name.length)}.${String(name.charCodeAt(0))}.0/24`,
          mode: "static",
          dns: [],
          ranges: [],
          exclusions: [],
          nat: false,
        },
      ],
    }),
  );

export const createNetworkRequest = (name: string, vlan: number): CreateNetworkRequest =>
  filled(CreateNetworkRequest, { spec: networkSpec(name, vlan) });

export const setNetworkRequest = (name: string, vlan: number): SetNetworkRequest =>
  filled(SetNetworkRequest, { spec: networkSpec(name, vlan) });

export const drainHostRequest = (
  host: string,
  options: { readonly copyStorage?: boolean } = {},
): DrainHostRequest => filled(DrainHostRequest, { host, ...options });
