/**
 * The laws of domain XML: what is rendered is read back as it was meant, whatever the texts contain; nothing a
 * person writes becomes markup; hostile documents end in a clear error.
 */
import { isMusterError, parseVmId, type VmSpec } from "@muster/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NicAttachment } from "../../networks/network-driver.ts";
import type { VmDefinition } from "../hypervisor.ts";
import { childrenOf, descend, type XmlElement } from "../xml/element.ts";
import { parseXml, XML_LENGTH_MAX } from "../xml/parse-xml.ts";
import { isXmlText } from "../xml/render-xml.ts";
import { sampleClusterId, sampleDefinition, sampleMac } from "../testing/definition-samples.ts";
import type { DomainFacts } from "./domain-facts.ts";
import { findMark, MARK_NAMESPACE } from "./mark.ts";
import { parseDomain } from "./parse-domain.ts";
import { diskTarget, renderDomain, SPARE_PCIE_PORTS, volumeNameOf } from "./render-domain.ts";

const kvm: DomainFacts = { virtualization: "kvm", architecture: "x86_64" };
const emulated: DomainFacts = { virtualization: "qemu", architecture: "x86_64" };

const nastyText = fc.oneof(
  fc.constantFrom(
    "</cmdline><x/>",
    "]]>",
    "<![CDATA[x]]>",
    "&amp;",
    "&#60;",
    "a='b' c=\"d\"",
    "<!-- -->",
    "\r\n\t ",
    "<?xml?>",
  ),
  fc.string({ unit: "binary", maxLength: 60 }).filter(isXmlText),
);
const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/);
const mac = fc.integer({ min: 0, max: 65_535 }).map(sampleMac);
const attachment: fc.Arbitrary<NicAttachment> = fc.oneof(
  fc.record({
    kind: fc.constant("openvswitch" as const),
    bridge: nastyText,
    vlan: fc.integer({ min: 1, max: 4094 }),
    mtu: fc.integer({ min: 1280, max: 9216 }),
  }),
  fc.record({ kind: fc.constant("tap" as const), device: nastyText, mtu: fc.constant(1500) }),
  fc.record({ kind: fc.constant("simulated" as const), network: name }),
);
const spec: fc.Arbitrary<VmSpec> = fc.record(
  {
    name,
    cpus: fc.integer({ min: 1, max: 512 }),
    memoryBytes: fc.bigInt({ min: 1n, max: 1n << 44n }),
    disks: fc.array(
      fc.record({ storage: nastyText, sizeBytes: fc.bigInt({ min: 1n, max: 1n << 50n }) }),
      { maxLength: 30 },
    ),
    nics: fc.array(fc.record({ network: name, mac }), { maxLength: 4 }),
    antiAffinityGroups: fc.constant<readonly string[]>([]),
    kernel: fc.record({
      kernelPath: nastyText,
      initrdPath: nastyText,
      commandLine: nastyText,
    }),
    cpuModel: nastyText,
    machineType: nastyText,
  },
  { requiredKeys: ["name", "cpus", "memoryBytes", "disks", "nics", "antiAffinityGroups"] },
);
const definition: fc.Arbitrary<VmDefinition> = fc
  .record({
    vmId: fc.uuid().map(parseVmId),
    spec,
    clusterId: fc.constant(sampleClusterId),
    generation: fc.nat(),
    operationId: nastyText,
    pool: fc.array(attachment, { minLength: 4, maxLength: 4 }),
  })
  .map(({ pool, ...rest }) => ({ ...rest, attachments: pool.slice(0, rest.spec.nics.length) }));
const facts = fc.constantFrom(kvm, emulated);

describe("domain XML", () => {
  it("is read back as it was meant", () => {
    fc.assert(
      fc.property(definition, facts, (wanted, host) => {
        const parsed = parseDomain(renderDomain(wanted, host), "test");
        expect(parsed).toMatchObject({
          vmId: wanted.vmId,
          name: wanted.spec.name,
          cpus: wanted.spec.cpus,
          memoryBytes: wanted.spec.memoryBytes,
          virtualization: host.virtualization,
        });
        expect(parsed.mark).toEqual({
          clusterId: wanted.clusterId,
          generation: wanted.generation,
          operationId: wanted.operationId,
        });
        expect(parsed.disks.map((disk) => disk.source)).toEqual(
          wanted.spec.disks.map((disk, index) => ({
            kind: "volume",
            storage: disk.storage,
            volume: volumeNameOf(wanted.vmId, index),
          })),
        );
        expect(parsed.nics.map((nic) => nic.mac)).toEqual(wanted.spec.nics.map((nic) => nic.mac));
        expect(parsed.kernel).toEqual(wanted.spec.kernel);
      }),
    );
  });

  it("has a shape that no value can change", () => {
    const shape = (element: XmlElement): string =>
      `${element.name}(${element.children.map(shape).join(",")})`;
    fc.assert(
      fc.property(nastyText, nastyText, facts, (text, other, host) => {
        const withTexts = (first: string, second: string): string =>
          renderDomain(
            {
              ...sampleDefinition({
                kernel: {
                  kernelPath: `/${first}`,
                  initrdPath: `/${second}`,
                  commandLine: `x${first}`,
                },
                disks: [{ storage: first, sizeBytes: 1n }],
              }),
              operationId: second,
            },
            host,
          );
        const dull = parseXml(withTexts("a", "b"), "test");
        expect(shape(parseXml(withTexts(text, other), "test"))).toBe(shape(dull));
      }),
    );
  });

  it("refuses what XML cannot carry instead of dropping it", () => {
    const text = "quiet\u0000";
    const kernel = { kernelPath: "/k", initrdPath: "", commandLine: text };
    expect(() => renderDomain(sampleDefinition({ kernel }), kvm)).toThrow(/XML cannot carry/);
  });

  it("leaves spare PCI Express ports for hot-plug", () => {
    const wanted = sampleDefinition({
      disks: [{ storage: "default", sizeBytes: 1n }],
      nics: [{ network: "blue", mac: sampleMac(1) }],
    });
    const devices = descend(parseXml(renderDomain(wanted, kvm), "test"), "devices");
    const ports = childrenOf(devices, "controller").filter(
      (controller) => controller.attributes.get("model") === "pcie-root-port",
    );
    // Disk, NIC, virtio-serial, balloon, random numbers.
    expect(ports).toHaveLength(5 + SPARE_PCIE_PORTS);
  });

  it.each([
    { host: kvm, cpuModel: undefined, mode: "host-model", model: undefined },
    { host: kvm, cpuModel: "Skylake-Server", mode: "custom", model: "Skylake-Server" },
    { host: emulated, cpuModel: undefined, mode: "custom", model: "qemu64" },
    { host: emulated, cpuModel: "maximum", mode: "maximum", model: undefined },
  ])("gives $host.virtualization guests asking for $cpuModel a $mode CPU", (row) => {
    const options = row.cpuModel === undefined ? {} : { cpuModel: row.cpuModel };
    const root = parseXml(renderDomain(sampleDefinition(options), row.host), "test");
    expect(descend(root, "cpu")?.attributes.get("mode")).toBe(row.mode);
    expect(descend(root, "cpu", "model")?.text).toBe(row.model);
  });

  it.each([
    [0, "vda"],
    [25, "vdz"],
    [26, "vdaa"],
    [701, "vdzz"],
    [702, "vdaaa"],
  ])("calls disk %i %s", (index, target) => {
    expect(diskTarget(index)).toBe(target);
  });
});

describe("a domain somebody else made", () => {
  it("is wild, whatever its metadata looks like", () => {
    const marked = (metadata: string): unknown =>
      findMark(parseXml(`<metadata>${metadata}</metadata>`, "test"));
    expect(marked("")).toBeUndefined();
    expect(marked('<vm cluster="x"/>')).toBeUndefined();
    expect(marked('<a:vm xmlns:a="urn:other" cluster="x" generation="1"/>')).toBeUndefined();
    expect(
      marked(`<a:vm xmlns:a="${MARK_NAMESPACE}" cluster="not a uuid" generation="1"/>`),
    ).toBeUndefined();
    expect(
      marked(`<vm xmlns="${MARK_NAMESPACE}" cluster="${sampleClusterId}" generation="7"/>`),
    ).toEqual({ clusterId: sampleClusterId, generation: 7, operationId: "" });
  });

  it("is read with its own units, disks and NICs", () => {
    const parsed = parseDomain(
      `<domain type='kvm' id='3'><name>odd one</name><uuid>5A5A0000-0000-4000-8000-000000000009</uuid>
        <memory unit='MiB'>512</memory><vcpu current='2'>4</vcpu>
        <devices>
          <disk type='file' device='cdrom'><source file='/iso'/><target dev='sda'/></disk>
          <disk type='block' device='disk'><source dev='/dev/sdb'/><target dev='vda'/></disk>
          <disk type='network'><source protocol='rbd' name='a/b'/><target dev='vdb'/></disk>
          <interface type='bridge'><mac address='52:54:00:AA:BB:CC'/><source bridge='br1'/>
            <vlan><tag id='42'/></vlan><target dev='vnet3'/></interface>
        </devices></domain>`,
      "test",
    );
    expect(parsed).toMatchObject({
      vmId: "5a5a0000-0000-4000-8000-000000000009",
      memoryBytes: 512n << 20n,
      cpus: 2,
      mark: undefined,
      disks: [
        { target: "vda", source: { kind: "path", path: "/dev/sdb" } },
        { target: "vdb", source: { kind: "other", type: "network" } },
      ],
      nics: [{ mac: "52:54:00:aa:bb:cc", bridge: "br1", vlan: 42, device: "vnet3" }],
    });
  });
});

describe("a hostile document", () => {
  const laughs =
    '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><domain><name>&b;</name></domain>';
  it.each([
    ["billion laughs", laughs, /document type/],
    ["undeclared entity", "<domain><name>&b;</name></domain>", /unknown entity/],
    ["too deep", `<a>${"<b>".repeat(500)}${"</b>".repeat(500)}</a>`, /well-formed/],
    ["too long", `<a>${"x".repeat(XML_LENGTH_MAX)}</a>`, /at most/],
    ["too many tags", `<a>${"<b/>".repeat(50_000)}</a>`, /too many/],
    ["cut off", "<domain><name>x</name>", /well-formed/],
    ["two roots", "<domain/><domain/>", /root elements/],
    ["not XML", "no such domain", /well-formed/],
    ["prototype", "<domain><__proto__>x</__proto__></domain>", /well-formed/],
    ["not a domain", "<network><name>x</name></network>", /no name and uuid/],
  ])("%s is refused with a clear error", (_name, document, message) => {
    const attempt = (): unknown => parseDomain(document, "domain XML of vm 7");
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(/domain XML of vm 7/);
    expect(attempt).toThrow(expect.toSatisfy(isMusterError) as Error);
  });

  it("never makes the parser throw anything but a MusterError", () => {
    const fragments = fc.constantFrom(
      "<",
      ">",
      "/",
      "a",
      "&",
      ";",
      "'",
      '"',
      "=",
      "!",
      "[",
      "]",
      " ",
      "?",
      "-",
    );
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 60 }), (parts) => {
        try {
          parseXml(`<a>${parts.join("")}</a>`, "test");
        } catch (error) {
          if (!isMusterError(error)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
