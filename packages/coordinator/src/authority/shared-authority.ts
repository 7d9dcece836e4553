/**
 * The authority of a cluster with several coordinators. Its certificate is a record, so that all agree on it; its key is
 * there too, sealed, or in a directory that the site copies to each of them.
 */
import { MusterError, type ClusterId } from "@muster/model";
import type { CertificateAndKey, Random } from "@muster/runtime";
import { put, type Ledger } from "../ledger/ledger.ts";
import {
  Authority,
  createAuthorityFiles,
  loadAuthorityFiles,
  newAuthority,
  type AuthorityOptions,
} from "./authority.ts";
import { Seal } from "./seal.ts";

/** Where the key is. */
export type AuthorityPlace =
  { readonly kind: "directory" } | { readonly kind: "store"; readonly sealFile: string };

export interface SharedAuthorityParts {
  readonly ledger: Ledger;
  readonly place: AuthorityPlace;
  readonly options: Omit<AuthorityOptions, "clusterId">;
}

/** By the leader, before anybody is served: makes the authority, or takes the one in its directory for all. */
export async function ensureAuthority({
  ledger,
  place,
  options,
}: SharedAuthorityParts): Promise<void> {
  const clusterId = ledger.view.cluster.id;
  const present = ledger.view.authority;
  const { dataDirectory, random } = options;
  if (present !== undefined) return;
  // A coordinator with sqlite has run here before: its hosts know this authority.
  const own =
    (await loadAuthorityFiles(dataDirectory)) ?? (await newAuthority({ ...options, clusterId }));
  const sealed =
    place.kind === "store" ? await seal(own, place.sealFile, { clusterId, random }) : {};
  if (place.kind === "directory") await keepFiles(dataDirectory, own);
  const record = { certificate: own.certificate, ...sealed };
  await ledger.transact(() => ({ changes: [put("authority", record)], result: undefined }));
}

/** By every coordinator, once the record is there. */
export async function openAuthority({
  ledger,
  place,
  options,
}: SharedAuthorityParts): Promise<Authority> {
  const clusterId = ledger.view.cluster.id;
  const record = ledger.view.authority;
  if (record === undefined) throw new MusterError("internal", "there is no authority yet");
  const { certificate, sealedKey } = record;
  if (sealedKey !== undefined && place.kind === "store") {
    const found = await Seal.load(place.sealFile);
    if (found === undefined) throw missing(place.sealFile);
    const privateKey = found.open(sealedKey, clusterId);
    return Authority.of({ certificate, privateKey }, { ...options, clusterId });
  }
  const own = await loadAuthorityFiles(options.dataDirectory);
  if (own === undefined) throw missing(`${options.dataDirectory}/authority`);
  if (own.certificate.trim() !== certificate.trim()) {
    throw new MusterError(
      "storage-failed",
      `${options.dataDirectory}/authority is another cluster's authority`,
      { hint: "copy the directory from another coordinator of this cluster" },
    );
  }
  return Authority.of(own, { ...options, clusterId });
}

async function seal(
  own: CertificateAndKey,
  path: string,
  { clusterId, random }: { readonly clusterId: ClusterId; readonly random: Random },
): Promise<{ readonly sealedKey: string }> {
  const found = (await Seal.load(path)) ?? (await Seal.create(path, random));
  return { sealedKey: found.close(own.privateKey, clusterId, random) };
}

async function keepFiles(dataDirectory: string, own: CertificateAndKey): Promise<void> {
  if ((await loadAuthorityFiles(dataDirectory)) === undefined) {
    await createAuthorityFiles(dataDirectory, own);
  }
}

const missing = (path: string): MusterError =>
  new MusterError("storage-failed", `${path} is missing: without it no certificate can be issued`, {
    hint: "copy it, readable for the coordinator's user only, from another coordinator of this cluster",
  });
