/** Finding a VM's domain and making sure that it is ours before anything is done to it. */
import { MusterError, type ClusterId, type VmId } from "@muster/model";
import { isLibvirtError, type Domain } from "node-libvirt";
import { MARK_NAMESPACE, markOfMetadata, type VmMark } from "../domain-xml/mark.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { unlessRefused } from "./libvirt-error.ts";
import type { Connection } from "./libvirt-link.ts";
import { isMigrationOut } from "./vm-state.ts";

/** Undefined while the agent does not know its cluster: then everybody's mark counts. */
export type ClusterIdSource = () => ClusterId | undefined;

export const findDomain = (connection: Connection, vmId: VmId): Promise<Domain | undefined> =>
  unlessRefused(connection.domainLookupByUuid(vmId), "noDomain");

export async function requireDomain(connection: Connection, vmId: VmId): Promise<Domain> {
  const domain = await findDomain(connection, vmId);
  if (domain === undefined) throw new MusterError("not-found", `this host has no vm ${vmId}`);
  return domain;
}

/** Of the running domain, or of its definition when it is off. */
export async function readMark(domain: Domain): Promise<VmMark | undefined> {
  const options = { uri: MARK_NAMESPACE };
  const xml = await unlessRefused(domain.getMetadata("element", options), "noDomainMetadata");
  return xml === undefined ? undefined : markOfMetadata(parseXml(xml, `mark of ${domain.uuid}`));
}

export const isOurs = (mark: VmMark | undefined, clusterId: ClusterIdSource): boolean =>
  mark !== undefined && [undefined, mark.clusterId].includes(clusterId());

/** The mark, or "forbidden" for a wild domain. */
export async function requireOurs(domain: Domain, clusterId: ClusterIdSource): Promise<VmMark> {
  const mark = await readMark(domain);
  if (mark !== undefined && isOurs(mark, clusterId)) return mark;
  const message = `vm ${domain.uuid} on this host is not managed here and is left alone`;
  throw new MusterError("forbidden", message);
}

/** A migration away from here is going on. */
export async function isDeparting(domain: Domain): Promise<boolean> {
  try {
    const { type, stats } = await domain.getJobStats();
    return type !== "none" && isMigrationOut(stats);
  } catch (error) {
    // None: it is off, gone, on its way in, or the driver has no jobs.
    if (isLibvirtError(error, "operationInvalid", "noDomain", "noSupport")) return false;
    throw error;
  }
}
