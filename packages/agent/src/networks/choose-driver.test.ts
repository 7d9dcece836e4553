import { MusterError } from "@muster/model";
import { describe, expect, it } from "vitest";
import { chooseNetworkDriver } from "./choose-driver.ts";
import type { CommandRunner } from "./command-runner.ts";

const answering: CommandRunner = { run: async () => "" };
const silent: CommandRunner = {
  run: async ([program = ""]) => {
    throw new MusterError("network-failed", `cannot run ${program}`, {
      cause: new Error("ENOENT"),
    });
  },
};
const config = {
  bridge: undefined,
  uplink: "eth1",
  datapath: "system",
  probeIntervalMs: 30_000,
  dhcpDirectory: "/run/muster-agent/dhcp",
} as const;

describe("chooseNetworkDriver", () => {
  it.each([
    ["auto", answering, "openvswitch", "Open vSwitch answers"],
    ["auto", silent, "linux-bridge", "Open vSwitch does not answer: cannot run ovs-vsctl: ENOENT"],
    ["openvswitch", silent, "openvswitch", "the configuration says openvswitch"],
    ["linux-bridge", answering, "linux-bridge", "the configuration says linux-bridge"],
    ["vlan-bridges", answering, "vlan-bridges", "the configuration says vlan-bridges"],
  ] as const)("%s with %o picks %s", async (driver, runner, name, why) => {
    const chosen = await chooseNetworkDriver({ ...config, driver }, { runner });
    expect([chosen.driver.name, chosen.why]).toEqual([name, why]);
  });
});
