import { XMLParser } from "fast-xml-parser";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { hostileText } from "../testing/contexts.ts";
import { renderComputeVcOut, renderFrontendVcOut, type VcOut } from "./vc-out.ts";

const nic = (network: string, ip: string, mac: string) => {
  const isPrivate = network === "private";
  const netmask = isPrivate ? "255.255.0.0" : "255.255.255.0";
  const subnet = isPrivate ? "10.1.0.0" : `${ip.split(".").slice(0, 3).join(".")}.0`;
  return { network, ip, mac, mtu: 1500, netmask, subnet };
};

const compute = (index: number, ip: string, mac: string, cpus: number) => ({
  name: `compute-${String(index)}`,
  cpus,
  gateway: "10.1.1.1",
  interfaces: [nic("private", ip, mac)],
});

const cluster: VcOut = {
  frontend: {
    name: "pc-171",
    fqdn: "pc-171.example.edu",
    gateway: "203.0.113.1",
    interfaces: [
      nic("private", "10.1.1.1", "7a:77:6e:40:02:03"),
      nic("public", "203.0.113.50", "7a:77:6e:40:02:04"),
      nic("openflow", "192.168.77.1", "7a:77:6e:40:02:05"),
    ],
  },
  computes: [
    compute(0, "10.1.255.254", "7a:77:6e:40:02:06", 4),
    compute(1, "10.1.255.253", "7a:77:6e:40:02:07", 2),
  ],
  dns: { domain: "", ip: "8.8.8.8", search: "local" },
  key: "ssh-rsa AAAAB3 user@host",
};

const [first] = cluster.computes;

it("frontend, current form", () => {
  expect(renderFrontendVcOut(cluster, "current")).toBe(`<?xml version="1.0" ?>
<vc>
  <frontend fqdn="pc-171.example.edu" gw="203.0.113.1" name="pc-171">
    <private ip="10.1.1.1" mac="7a:77:6e:40:02:03" mtu="1500" netmask="255.255.0.0" subnet="10.1.0.0"/>
    <public ip="203.0.113.50" mac="7a:77:6e:40:02:04" mtu="1500" netmask="255.255.255.0" subnet="203.0.113.0"/>
    <openflow ip="192.168.77.1" mac="7a:77:6e:40:02:05" mtu="1500" netmask="255.255.255.0" subnet="192.168.77.0"/>
  </frontend>
  <compute count="2">
    <node cpus="4" gw="10.1.1.1" name="compute-0">
      <private ip="10.1.255.254" mac="7a:77:6e:40:02:06" mtu="1500" netmask="255.255.0.0" subnet="10.1.0.0"/>
    </node>
    <node cpus="2" gw="10.1.1.1" name="compute-1">
      <private ip="10.1.255.253" mac="7a:77:6e:40:02:07" mtu="1500" netmask="255.255.0.0" subnet="10.1.0.0"/>
    </node>
  </compute>
  <network>
    <dns domain="" ip="8.8.8.8" search="local"/>
  </network>
  <key>ssh-rsa AAAAB3 user@host</key>
</vc>
`);
});

it("compute, current form", () => {
  expect(first && renderComputeVcOut(cluster, first, "current")).toBe(`<?xml version="1.0" ?>
<vc>
  <frontend fqdn="pc-171.example.edu"/>
  <compute gw="10.1.1.1" name="compute-0">
    <private ip="10.1.255.254" mac="7a:77:6e:40:02:06" mtu="1500" netmask="255.255.0.0" subnet="10.1.0.0"/>
  </compute>
  <network>
    <dns domain="" ip="8.8.8.8" search="local"/>
  </network>
  <key>ssh-rsa AAAAB3 user@host</key>
</vc>
`);
});

it("frontend, old form", () => {
  expect(renderFrontendVcOut(cluster, "old")).toBe(`<?xml version="1.0" ?>
<vc>
  <frontend>
    <private ip="10.1.1.1" mac="7a:77:6e:40:02:03" netmask="255.255.0.0"/>
    <public fqdn="pc-171.example.edu" gw="203.0.113.1" ip="203.0.113.50" mac="7a:77:6e:40:02:04" name="pc-171" netmask="255.255.255.0"/>
  </frontend>
  <compute count="2">
    <node cpus="4" ip="10.1.255.254" mac="7a:77:6e:40:02:06" name="compute-0"/>
    <node cpus="2" ip="10.1.255.253" mac="7a:77:6e:40:02:07" name="compute-1"/>
  </compute>
  <network>
    <dns domain="" ip="8.8.8.8" search="local"/>
  </network>
  <key>ssh-rsa AAAAB3 user@host</key>
</vc>
`);
});

it("compute, old form", () => {
  expect(first && renderComputeVcOut(cluster, first, "old")).toBe(`<?xml version="1.0" ?>
<vc>
  <frontend>
    <public fqdn="pc-171.example.edu"/>
  </frontend>
  <compute>
    <private fqdn="compute-0" gw="10.1.1.1" ip="10.1.255.254" mac="7a:77:6e:40:02:06" netmask="255.255.0.0"/>
  </compute>
  <network>
    <dns domain="" ip="8.8.8.8" search="local"/>
  </network>
  <key>ssh-rsa AAAAB3 user@host</key>
</vc>
`);
});

it("keeps markup out of values", () => {
  const parser = new XMLParser({
    ignoreAttributes: false,
    trimValues: false,
    parseTagValue: false,
  });
  fc.assert(
    fc.property(hostileText, (text) => {
      const hostile = { ...cluster, key: text, frontend: { ...cluster.frontend, fqdn: text } };
      const read = parser.parse(renderFrontendVcOut(hostile, "current")) as {
        readonly vc: { readonly compute: object };
      };
      const elements = Object.keys(read.vc).filter((name) => name !== "#text");
      expect(elements).toStrictEqual(["frontend", "compute", "network", "key"]);
    }),
  );
});

it("refuses a network that cannot be an element", () => {
  const frontend = {
    ...cluster.frontend,
    interfaces: [nic("9net", "10.0.0.1", "02:00:00:00:00:01")],
  };
  expect(() => renderFrontendVcOut({ ...cluster, frontend }, "current")).toThrow(
    "cannot be a name",
  );
});
