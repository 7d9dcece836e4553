import { readConfig } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { readNetworksConfig } from "./networks-config.ts";

const read = (options: Readonly<Record<string, string>>) =>
  readConfig({ options: new Map(Object.entries(options)) }, readNetworksConfig);

describe("networks configuration", () => {
  it("may be absent", () => {
    expect(read({})).toEqual({
      driver: "auto",
      bridge: undefined,
      uplink: undefined,
      datapath: "system",
      probeIntervalMs: 30_000,
      dhcpDirectory: "/run/muster-agent/dhcp",
    });
  });

  it("names bridge, uplink and datapath", () => {
    const options = {
      driver: "openvswitch",
      bridge: "br-vm",
      uplink: "bond0.5",
      datapath: "netdev",
    };
    const probes = { "probe-interval": "5", "dhcp-directory": "/run/x" };
    expect(read({ ...options, ...probes })).toEqual({
      ...options,
      probeIntervalMs: 5_000,
      dhcpDirectory: "/run/x",
    });
  });

  it.each([
    ["uplink", "a-name-too-long-for-the-kernel"],
    ["uplink", "eth0 type"],
    ["bridge", "-j"],
    ["bridge", "br/0"],
    ["bridge", ""],
    ["driver", "vxlan"],
    ["datapath", "dpdk"],
    ["probe-interval", "0"],
  ])("refuses %s %j by name", (field, value) => {
    expect(() => read({ [field]: value })).toThrow(
      expect.objectContaining({ reasons: [expect.stringContaining(`${field}: `) as string] }),
    );
  });
});
