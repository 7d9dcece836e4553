/** What a simulated libvirt says of its host, as the real one would write it: the same parsers read it. */
import type { HostFacts } from "../hypervisor.ts";
import { element, renderXml, textElement, type XmlTree } from "../xml/render-xml.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { WorldStorages } from "./world-storages.ts";

const FEATURES = ["aes", "avx", "avx2", "popcnt", "sse4.2", "vmx", "x2apic"];
const KIB = 1024n;
const HUGE_PAGE_KIB = 2048n;

export function renderHostFacts(host: SimulatedHost, storages: WorldStorages): HostFacts {
  return {
    libvirtVersion: "11.3.0",
    qemuVersion: "10.0.2",
    capabilitiesXml: renderXml(capabilities(host)),
    domainCapabilitiesXml: renderXml(domainCapabilities(host)),
    memoryBytes: host.facts.memoryBytes,
    logicalCpus: host.facts.cpus,
    nics: [],
    storages: host.facts.storages.map(({ name, shared, capacityBytes }) => ({
      name,
      kind: shared ? "netfs" : "dir",
      path: `/srv/${name}`,
      capacityBytes,
      availableBytes: capacityBytes - storages.usedBytes(host, name),
    })),
  };
}

function capabilities({ facts, uuid }: SimulatedHost): XmlTree {
  return element("capabilities", {}, [
    element("host", {}, [
      textElement("uuid", uuid),
      element("cpu", {}, [
        textElement("arch", "x86_64"),
        textElement("model", facts.cpuModel),
        textElement("vendor", "Intel"),
        element("topology", { sockets: "1", dies: "1", cores: String(facts.cpus), threads: "1" }),
        ...FEATURES.map((name) => element("feature", { name })),
      ]),
      element("topology", {}, [
        element("cells", { num: String(facts.numaCells) }, numaCells(facts)),
      ]),
    ]),
    element("guest", {}, [
      textElement("os_type", "hvm"),
      element("arch", { name: "x86_64" }, [
        ...facts.machineTypes.map((machineType) => textElement("machine", machineType)),
        element("domain", { type: "qemu" }),
        facts.virtualization === "kvm" ? element("domain", { type: "kvm" }) : undefined,
      ]),
    ]),
  ]);
}

function numaCells(facts: SimulatedHost["facts"]): readonly XmlTree[] {
  const cells = BigInt(facts.numaCells);
  const memoryKib = facts.memoryBytes / KIB / cells;
  return Array.from({ length: facts.numaCells }, (_, cell) => {
    const cpus = Array.from({ length: facts.cpus }, (_unused, cpu) => cpu).filter(
      (cpu) => Math.floor((cpu * facts.numaCells) / facts.cpus) === cell,
    );
    return element("cell", { id: String(cell) }, [
      textElement("memory", String(memoryKib), { unit: "KiB" }),
      textElement("pages", String(memoryKib / 4n), { unit: "KiB", size: "4" }),
      textElement("pages", "0", { unit: "KiB", size: String(HUGE_PAGE_KIB) }),
      element(
        "cpus",
        { num: String(cpus.length) },
        cpus.map((cpu) =>
          element("cpu", {
            id: String(cpu),
            socket_id: "0",
            die_id: "0",
            core_id: String(cpu),
            siblings: String(cpu),
          }),
        ),
      ),
    ]);
  });
}

function domainCapabilities({ facts }: SimulatedHost): XmlTree {
  return element("domainCapabilities", {}, [
    textElement("domain", facts.virtualization),
    textElement("machine", facts.machineTypes[0] ?? "q35"),
    textElement("arch", "x86_64"),
    element("cpu", {}, [
      element("mode", { name: "host-model", supported: "yes" }, [
        textElement("model", facts.cpuModel, { fallback: "forbid" }),
      ]),
      element("mode", { name: "custom", supported: "yes" }, [
        textElement("model", facts.cpuModel, { usable: "yes" }),
        textElement("model", "qemu64", { usable: "yes" }),
      ]),
    ]),
  ]);
}
