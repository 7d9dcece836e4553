import { describe, expect, it } from "vitest";
import type { NicSpec } from "@muster/model";
import type { NicAttachment } from "../../networks/network-driver.ts";
import { renderXml } from "../xml/render-xml.ts";
import { bootOrders } from "./boot-order.ts";
import { renderInterface } from "./render-interface.ts";

const nic: NicSpec = { network: "blue", mac: "52:54:00:00:00:0a" };
const port: NicAttachment = { kind: "openvswitch", bridge: "br0", vlan: 10, mtu: 1500 };

const xmlOf = (spec: NicSpec, attachment: NicAttachment, order?: number): string =>
  renderXml(renderInterface(spec, attachment, order))
    .replaceAll(/\s*\n\s*/g, "")
    .replaceAll('"', "'");

describe("a NIC's interface", () => {
  it("is a virtio card on its VLAN when nothing else is asked for", () => {
    expect(xmlOf(nic, port)).toBe(
      "<interface type='bridge'><mac address='52:54:00:00:00:0a'/><source bridge='br0'/>" +
        "<vlan><tag id='10'/></vlan><virtualport type='openvswitch'/><model type='virtio'/>" +
        "<mtu size='1500'/></interface>",
    );
  });

  it("never leaves the tag out: a port without one carries every VLAN", () => {
    expect(xmlOf(nic, { ...port, vlan: 0 })).toContain("<vlan><tag id='0'/></vlan>");
  });

  it("lists the ids of a trunk", () => {
    const trunk = [
      { first: 10, last: 11 },
      { first: 20, last: 20 },
    ];
    expect(xmlOf(nic, { ...port, vlan: 0, trunk })).toContain(
      "<vlan trunk='yes'><tag id='10'/><tag id='11'/><tag id='20'/></vlan>",
    );
  });

  it("has the model, the limits, the link and the place in the boot order that were asked for", () => {
    const rates = { inboundKbytesPerSecond: 1000, outboundKbytesPerSecond: 0 };
    const xml = xmlOf({ ...nic, model: "e1000e", rates, linkDown: true }, port, 2);
    expect(xml).toContain("<model type='e1000e'/>");
    expect(xml).toContain("<bandwidth><inbound average='1000'/></bandwidth>");
    expect(xml).toContain("<link state='down'/>");
    expect(xml).toContain("<boot order='2'/>");
  });

  it("has the same features on a tap", () => {
    const xml = xmlOf({ ...nic, linkDown: true }, { kind: "tap", device: "mt0", mtu: 1500 }, 1);
    expect(xml).toContain("<target dev='mt0' managed='no'/>");
    expect(xml).toContain("<link state='down'/><boot order='1'/>");
  });
});

describe("boot orders", () => {
  const second: NicSpec = { ...nic, mac: "52:54:00:00:00:0b" };

  it("leave the firmware its choice when no NIC is booted from", () => {
    expect(bootOrders({ nics: [nic] })).toEqual({ firstDisk: undefined, nics: [undefined] });
  });

  it("give the first disk the first place that no NIC has", () => {
    const orders = (...all: readonly (number | undefined)[]) =>
      bootOrders({
        nics: all.map((bootOrder) => (bootOrder === undefined ? nic : { ...second, bootOrder })),
      }).firstDisk;
    expect(orders(1)).toBe(2);
    expect(orders(2)).toBe(1);
    expect(orders(2, 1, undefined)).toBe(3);
  });

  it("mean nothing to a VM whose kernel the host gives", () => {
    const kernel = { kernelPath: "/k", initrdPath: "", commandLine: "" };
    expect(bootOrders({ nics: [{ ...nic, bootOrder: 1 }], kernel }).firstDisk).toBeUndefined();
  });
});
