/** What libvirt and Open vSwitch make of the interfaces we write: tags, trunks, links, limits, boot orders. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NicSpec } from "@muster/model";
import { renderInterface } from "../../packages/agent/src/hypervisor/domain-xml/render-interface.ts";
import { renderXml } from "../../packages/agent/src/hypervisor/xml/render-xml.ts";
import type { NicAttachment } from "../../packages/agent/src/networks/network-driver.ts";
import { Lab } from "./lab.ts";

const directory = "/tmp/muster-nic-features";
const NAME = "cards";

const card = (last: string, more: Partial<NicSpec> = {}): NicSpec => ({
  network: "n",
  mac: `52:54:00:0a:01:${last}`,
  ...more,
});
const port = { kind: "openvswitch", bridge: "br0", vlan: 0, mtu: 1500 } as const;

const nics: readonly (readonly [NicSpec, NicAttachment, number | undefined])[] = [
  [card("01"), { ...port, vlan: 10 }, undefined],
  [card("02"), port, undefined],
  [
    card("03", { model: "e1000e", linkDown: true }),
    {
      ...port,
      trunk: [
        { first: 20, last: 22 },
        { first: 30, last: 30 },
      ],
    },
    1,
  ],
];

const domain = (): string => `<domain type="qemu">
  <name>${NAME}</name>
  <memory unit="MiB">64</memory>
  <vcpu>1</vcpu>
  <os><type arch="x86_64" machine="q35">hvm</type></os>
  <features><acpi/></features>
  <devices>${nics.map(([nic, attachment, order]) => renderXml(renderInterface(nic, attachment, order))).join("")}</devices>
</domain>`;

describe("a VM's cards on Open vSwitch", () => {
  let lab: Lab;

  beforeAll(async () => {
    await Lab.down({ directory });
    lab = await Lab.up({ hosts: 1, directory });
    const host = lab.host("h1");
    await host.exec(["tee", "/run/cards.xml"], { input: domain() });
    await lab.virsh("h1", ["define", `${host.directory}/run/cards.xml`]);
    await lab.virsh("h1", ["start", "--paused", NAME]);
  });
  afterAll(() => Lab.down({ directory }));

  /** Of the port that libvirt made for a card. */
  async function portOf(mac: string, column: string): Promise<string> {
    const find = ["--bare", "--columns=name", "find", "Interface"];
    const key = `external_ids:attached-mac="${mac}"`;
    const { stdout: name } = await lab.host("h1").exec(["ovs-vsctl", ...find, key]);
    const { stdout } = await lab.host("h1").exec(["ovs-vsctl", "get", "Port", name.trim(), column]);
    return stdout.trim();
  }

  it("are on one VLAN, on none, or on those of their trunk", async () => {
    expect(await portOf("52:54:00:0a:01:01", "tag")).toBe("10");
    expect(await portOf("52:54:00:0a:01:02", "tag")).toBe("0");
    expect(await portOf("52:54:00:0a:01:03", "trunks")).toBe("[20, 21, 22, 30]");
    expect(await portOf("52:54:00:0a:01:03", "tag")).toBe("[]");
  });

  it("have the model, the link and the place in the boot order that were asked for", async () => {
    const xml = await lab.virsh("h1", ["dumpxml", NAME]);
    const third = xml.slice(xml.indexOf("52:54:00:0a:01:03"));
    expect(third).toMatch(/<model type='e1000e'\/>/);
    expect(third).toMatch(/<link state='down'\/>/);
    expect(third).toMatch(/<boot order='1'\/>/);
    const link = await lab.virsh("h1", ["domif-getlink", NAME, "52:54:00:0a:01:03"]);
    expect(link).toMatch(/down/);
  });
});
