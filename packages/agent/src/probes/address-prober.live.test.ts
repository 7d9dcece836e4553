/** Addresses that somebody has, asked of the kernel's own ARP and neighbour discovery. */
import { aNetwork } from "@muster/model/testing";
import type { NetworkObservation } from "@muster/model";
import { systemClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import type { Foothold } from "../footholds/foothold.ts";
import { Footholds } from "../footholds/footholds.ts";
import { PrivateNamespace, namespaceObstacle } from "../networks/testing/private-namespace.ts";
import { NeighbourProber } from "./address-prober.ts";

const SOMEBODY = "52:54:00:0a:00:06";

const SCRIPT = `
mkdir -p /run/netns
ip netns add somebody
ip link add switch0 type bridge; ip link set switch0 up
ip link add port type veth peer name e address ${SOMEBODY} netns somebody
ip link set port master switch0; ip link set port up
ip -n somebody link set e up
ip -n somebody addr add 10.10.0.6/24 dev e
ip -n somebody addr add 2001:db8::6/64 dev e nodad
`;

const foothold: Foothold = {
  ...{ purpose: "p", network: "blue", namespace: "muster-probe", mtu: 1500 },
  place: { kind: "linux-bridge", bridge: "switch0" },
  addresses: ["fe80::1/64"],
};

const obstacle = namespaceObstacle(["sysctl"]);

describe.skipIf(obstacle !== undefined)(`addresses in use (${obstacle ?? "here"})`, () => {
  it("are found with who has them, of both families, and nobody learns from the question", async () => {
    await using host = await PrivateNamespace.start(SCRIPT);
    const footholds = new Footholds(host.runner, { hasOpenvswitch: false });
    const prober = new NeighbourProber({
      footholdOn: () => foothold,
      borrowFoothold: (wanted, work) => footholds.borrow(wanted, work),
      runner: host.runner,
      clock: systemClock,
    });
    const network = aNetwork({ name: "blue", vlan: 10 });
    const observed: NetworkObservation = {
      ...{ name: "blue", state: "ready", message: "", vlan: 10, driver: "vlan-bridges" },
      ...{ bridge: "switch0", wanted: "", found: "", carries: [] },
    };
    const taken = (addresses: readonly string[], mac = "52:54:00:0a:00:05") =>
      prober.takenBy({ network, observed, addresses, mac });
    expect(await taken(["10.10.0.6", "2001:db8::6"])).toEqual(
      new Map([
        ["10.10.0.6", SOMEBODY],
        ["2001:db8::6", SOMEBODY],
      ]),
    );
    expect(await taken(["10.10.0.7", "2001:db8::7"])).toEqual(new Map());
    // It is itself: a VM that is made again.
    expect(await taken(["10.10.0.6"], SOMEBODY)).toEqual(new Map());
    expect(await host.run("ip -n somebody -4 neigh")).toBe("");
    // Whoever left in the meantime is not remembered.
    await host.run("ip -n somebody addr del 10.10.0.6/24 dev e");
    expect(await taken(["10.10.0.6"])).toEqual(new Map());
    // Two that ask at once share a foothold, and the last takes it away.
    await Promise.all([taken(["10.10.0.7"]), taken(["2001:db8::6"])]);
    expect(await host.run("ip -br link")).not.toMatch(/mp[0-9a-f]{10}/);
    expect(await host.run("ip netns list")).not.toContain("muster");
  });
});
