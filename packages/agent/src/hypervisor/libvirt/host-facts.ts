/** What libvirt says of the host, and the few facts of it that decide how domains are written. */
import { childOf, childrenOf, descend, attributeOf, textOf } from "../xml/element.ts";
import { parseXml } from "../xml/parse-xml.ts";
import type { DomainFacts } from "../domain-xml/domain-facts.ts";
import type { HostFacts, NicFact } from "../hypervisor.ts";
import { unlessRefused } from "./libvirt-error.ts";
import type { Connection } from "./libvirt-link.ts";
import { storageFacts } from "./libvirt-storage.ts";

export async function readHostFacts(connection: Connection): Promise<HostFacts> {
  const facts = await readDomainFacts(connection);
  const [libvirt, qemu, capabilitiesXml, domainCapabilitiesXml, node, storages, nics] =
    await Promise.all([
      connection.getLibVersion(),
      connection.getVersion(),
      connection.getCapabilities(),
      domainCapabilities(connection, facts),
      connection.nodeGetInfo(),
      storageFacts(connection),
      nicFacts(connection),
    ]);
  const version = (v: { major: number; minor: number; release: number }): string =>
    `${String(v.major)}.${String(v.minor)}.${String(v.release)}`;
  return {
    libvirtVersion: version(libvirt),
    qemuVersion: version(qemu),
    capabilitiesXml,
    domainCapabilitiesXml,
    memoryBytes: BigInt(node.memoryKiB) * 1024n,
    logicalCpus: node.cpus,
    storages,
    nics,
  };
}

/** Empty where the driver has none. */
async function domainCapabilities(connection: Connection, facts: DomainFacts): Promise<string> {
  const virttype = facts.virtualization === "test" ? null : facts.virtualization;
  const options = virttype === null ? {} : { virttype };
  return (await unlessRefused(connection.getDomainCapabilities(options), "noSupport")) ?? "";
}

/** A host with thousands of NICs is not one whose cables are compared. */
const NICS_MAX = 1_000;

/** Known where libvirt runs beside udev. */
async function nicFacts(connection: Connection): Promise<readonly NicFact[]> {
  const listing = connection.listAllNodeDevices({ flags: ["capNet"] });
  const devices = (await unlessRefused(listing, "noSupport")) ?? [];
  const described = devices.slice(0, NICS_MAX).map(async (device) => {
    const xml = await unlessRefused(device.getXmlDesc(), "noNodeDevice");
    return xml === undefined ? undefined : nicFactFrom(xml);
  });
  return (await Promise.all(described)).filter((nic) => nic !== undefined);
}

function nicFactFrom(xml: string): NicFact | undefined {
  const capability = childOf(parseXml(xml, "description of a NIC"), "capability");
  const name = textOf(childOf(capability, "interface"));
  const mac = textOf(childOf(capability, "address"))?.toLowerCase() ?? "";
  return name === undefined ? undefined : { name, mac };
}

export async function readDomainFacts(connection: Connection): Promise<DomainFacts> {
  const [type, capabilitiesXml] = await Promise.all([
    connection.getType(),
    connection.getCapabilities(),
  ]);
  return domainFactsFrom(type, capabilitiesXml);
}

/** `driver` is libvirt's name of the hypervisor driver: "QEMU", "TEST". */
export function domainFactsFrom(driver: string, capabilitiesXml: string): DomainFacts {
  const root = parseXml(capabilitiesXml, "capabilities of this host");
  const architecture = textOf(descend(root, "host", "cpu", "arch")) ?? "x86_64";
  if (driver.toLowerCase() === "test") return { virtualization: "test", architecture };
  const guests = childrenOf(root, "guest")
    .map((guest) => childOf(guest, "arch"))
    .filter((arch) => attributeOf(arch, "name") === architecture);
  const hasKvm = guests.some((arch) =>
    childrenOf(arch, "domain").some((domain) => attributeOf(domain, "type") === "kvm"),
  );
  return { virtualization: hasKvm ? "kvm" : "qemu", architecture };
}
