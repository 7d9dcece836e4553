/** A NIC as libvirt's <interface>. Pure. */
import type { NicSpec, VlanRange } from "@muster/model";
import type { NicAttachment } from "../../networks/network-driver.ts";
import { idsOf } from "../../networks/network-demand.ts";
import { element, type XmlTree } from "../xml/render-xml.ts";
import { bootElement } from "./boot-order.ts";

export function renderInterface(
  nic: NicSpec,
  attachment: NicAttachment,
  bootOrder: number | undefined,
): XmlTree {
  const mac = element("mac", { address: nic.mac });
  const features = [
    element("model", { type: nic.model ?? "virtio" }),
    bandwidth(nic),
    nic.linkDown === true ? element("link", { state: "down" }) : undefined,
    bootElement(bootOrder),
  ];
  switch (attachment.kind) {
    case "openvswitch":
      return element("interface", { type: "bridge" }, [
        mac,
        element("source", { bridge: attachment.bridge }),
        vlan(attachment),
        element("virtualport", { type: "openvswitch" }),
        ...features,
        element("mtu", { size: String(attachment.mtu) }),
      ]);
    case "tap":
      return element("interface", { type: "ethernet" }, [
        mac,
        element("target", { dev: attachment.device, managed: "no" }),
        ...features,
        element("mtu", { size: String(attachment.mtu) }),
      ]);
    case "simulated":
      // Under a real hypervisor: behind its own address translation, on no network of ours.
      return element("interface", { type: "user" }, [mac, ...features]);
  }
}

/** VLAN 0 is what has no tag: without the element the port would carry every VLAN. */
function vlan(attachment: {
  readonly vlan: number;
  readonly trunk?: readonly VlanRange[];
}): XmlTree {
  const { trunk } = attachment;
  if (trunk === undefined) {
    return element("vlan", {}, [element("tag", { id: String(attachment.vlan) })]);
  }
  const tags = idsOf(trunk).map((id) => element("tag", { id: String(id) }));
  return element("vlan", { trunk: "yes" }, tags);
}

/** Kilobytes a second, as libvirt takes them. */
function bandwidth({ rates }: NicSpec): XmlTree | undefined {
  if (rates === undefined) return undefined;
  const limit = (name: string, average: number): XmlTree | undefined =>
    average === 0 ? undefined : element(name, { average: String(average) });
  return element("bandwidth", {}, [
    limit("inbound", rates.inboundKbytesPerSecond),
    limit("outbound", rates.outboundKbytesPerSecond),
  ]);
}
