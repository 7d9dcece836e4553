/** A real dnsmasq on a real bridge: who asks, who is answered, and what is left. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHostId, type NetworkObservation } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { systemClock } from "@muster/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { Footholds } from "../footholds/footholds.ts";
import { PrivateNamespace, namespaceObstacle } from "../networks/testing/private-namespace.ts";
import { keptLog } from "../testing/agent-setting.ts";
import { DnsmasqServer } from "./dnsmasq-server.ts";
import type { DhcpLease, DhcpNetwork } from "./plan-dhcp.ts";

const SCRIPT = `
mkdir -p /run/netns
ip link add switch0 type bridge; ip link set switch0 up
for n in 5 6; do
  ip netns add guest$n
  ip link add port$n type veth peer name e address 52:54:00:0a:00:0$n netns guest$n
  ip link set port$n master switch0; ip link set port$n up
  ip -n guest$n link set e up
done
`;

const network = aNetwork({
  ...{ name: "blue", vlan: 10 },
  subnets: [
    {
      ...{ cidr: "10.10.0.0/24", mode: "dhcp", gateway: "10.10.0.254", dns: ["10.10.0.253"] },
      ...{ ranges: [], exclusions: [], domain: "example.org", nat: false },
    },
  ],
});
const observed: NetworkObservation = {
  ...{ name: "blue", state: "ready", message: "", vlan: 10, driver: "vlan-bridges" },
  ...{ bridge: "switch0", wanted: "", found: "", carries: [] },
};
const lease = (last: number): DhcpLease => ({
  ...{ mac: `52:54:00:0a:00:0${String(last)}`, address: `10.10.0.${String(last)}` },
  name: `vm-${String(last)}`,
});
const served = (...leases: readonly DhcpLease[]): DhcpNetwork => ({
  ...{ network, observed, subnets: network.subnets, leases },
});

const obstacle = namespaceObstacle(["dnsmasq", "busybox", "sysctl"]);

describe.skipIf(obstacle !== undefined)(`dnsmasq (${obstacle ?? "here"})`, () => {
  const scratch = mkdtempSync(join(tmpdir(), "muster-dhcp-"));
  const directory = join(scratch, "files");
  const clientScript = join(scratch, "client.sh");
  writeFileSync(clientScript, '#!/bin/sh\n[ "$1" != bound ] || echo "$ip $router"\n', {
    mode: 0o755,
  });
  afterAll(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  it("gives each VM of this host its own address, answers nobody else, and leaves nothing", async () => {
    await using host = await PrivateNamespace.start(SCRIPT);
    const footholds = new Footholds(host.runner, { hasOpenvswitch: false });
    const ended: string[] = [];
    const server = new DnsmasqServer({
      hostId: parseHostId("a0000000-0000-4000-8000-000000000001"),
      directory,
      keepFootholds: (wanted) => footholds.keep("d", wanted),
      runner: host.runner,
      startProgram: (argv) => host.spawn(argv),
      clock: systemClock,
      log: keptLog().log,
    });
    server.onEnded(() => ended.push("ended"));
    const ask = async (guest: number): Promise<string> => {
      const client = ["busybox", "udhcpc", "-i", "e", "-n", "-q", "-f", "-t", "2", "-T", "1"];
      const script = ["-s", clientScript];
      try {
        const inside = ["ip", "netns", "exec", `guest${String(guest)}`];
        const text = await host.runner.run([...inside, ...client, ...script]);
        return text.trim();
      } catch {
        return "nothing";
      }
    };
    expect(await server.keep([served(lease(5))])).toEqual(new Map());
    expect(await ask(5)).toBe("10.10.0.5 10.10.0.254");
    expect(await ask(6)).toBe("nothing");
    // One more arrives: it is known without a restart.
    await server.keep([served(lease(5), lease(6))]);
    expect(await ask(6)).toBe("10.10.0.6 10.10.0.254");
    expect(ended).toEqual([]);
    // It left.
    await server.keep([served(lease(5))]);
    expect(await ask(6)).toBe("nothing");
    await server.keep([]);
    expect(await ask(5)).toBe("nothing");
    expect(readdirSync(directory)).toEqual([]);
    expect(await host.run("ip netns list")).not.toContain("muster");
  });
});
