/** Hosts that do not hear each other on a network are seen, avoided and, once mended, used again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";

interface Pair {
  readonly fromHost: string;
  readonly toHost: string;
  readonly sent: number;
  readonly received: number;
  readonly mtuBytes: number;
  readonly problem: string;
}

/** Every two seconds a round; one that is lost takes three more. */
const SEEN_MS = 30_000;

describe("probes between hosts", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({
      hosts: 3,
      directory: "/tmp/muster-probes",
      agentOptions: { "networks.probe-interval": "2" },
    });
    await cluster.createNetwork("blue", 10);
    await cluster.createNetwork("green", 20);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  async function pairs(network: string): Promise<readonly Pair[]> {
    // Its exit code says whether all is well; what it shows is wanted here in any case.
    const { stdout } = await cluster.muster.muster(["network", "check", network, "-o", "json"]);
    return (JSON.parse(stdout) as { readonly pairs: readonly Pair[] }).pairs;
  }

  const problems = async (network: string): Promise<readonly string[]> =>
    (await pairs(network)).flatMap(({ fromHost, toHost, problem }) =>
      problem === "" ? [] : [`${fromHost} ${toHost}`],
    );

  it("fill the matrix: every host hears its neighbours, with frames of full size", async () => {
    await cluster.muster.eventually(
      SEEN_MS,
      async () => (await pairs("blue")).length === 3 && (await pairs("green")).length === 3,
      "a matrix of three pairs",
    );
    for (const pair of await pairs("blue")) {
      expect(pair).toMatchObject({ sent: 3, received: 3, mtuBytes: 1500, problem: "" });
    }
  });

  it("show a VLAN that the switch lost, and VMs avoid the host until it is mended", async () => {
    const h3 = cluster.lab.host("h3");
    await h3.cutVlan(10);
    await cluster.muster.eventually(
      SEEN_MS,
      async () => (await problems("blue")).length === 2,
      "the host that hears nobody",
    );
    expect((await problems("blue")).every((pair) => pair.includes("h3"))).toBe(true);
    expect(await problems("green")).toEqual([]);

    const refused = cluster.createVm({ name: "astray", host: "h3", network: "blue" });
    await expect(refused).rejects.toMatchObject({ code: "no-placement" });
    const { stderr } = await cluster.muster.muster([
      ...["vm", "create", "astray", "--memory", "128M", "--network", "blue", "--host", "h3"],
    ]);
    expect(stderr).toMatch(/blue.*probes with h[12]: 0 of 3 frames came back/s);
    for (const name of ["one", "two", "three"]) {
      await cluster.succeeded(await cluster.createVm({ name, network: "blue", stopped: true }));
    }
    const on = new Set((await cluster.vms()).map(({ host }) => host));
    expect(on.has("h3")).toBe(false);

    await h3.healVlan(10);
    await cluster.muster.eventually(
      SEEN_MS,
      async () => (await problems("blue")).length === 0,
      "a network that is whole",
    );
    await cluster.succeeded(
      await cluster.createVm({ name: "back", host: "h3", network: "blue", stopped: true }),
    );
  });

  it("tell a path that loses large frames from one that loses all", async () => {
    // As a switch that carries less than the network promises.
    await cluster.lab.host("h2").exec(["ip", "link", "set", "eth1", "mtu", "1450"]);
    await cluster.muster.eventually(
      SEEN_MS,
      async () => (await problems("green")).length === 2,
      "paths that are too narrow",
    );
    const narrow = (await pairs("green")).find(({ toHost }) => toHost === "h2");
    expect(narrow?.received).toBe(3);
    expect(narrow?.mtuBytes).toBeLessThan(1500);
    expect(narrow?.problem).toContain("frames of 1500 bytes are lost");
    await cluster.lab.host("h2").exec(["ip", "link", "set", "eth1", "mtu", "1600"]);
  });

  it("leave nothing on a host once the network is gone", async () => {
    for (const name of ["green"]) {
      const { exitCode, stderr } = await cluster.muster.muster(["network", "rm", name]);
      expect(exitCode, stderr).toBe(0);
    }
    await cluster.muster.eventually(
      SEEN_MS,
      async () => {
        const { stdout } = await cluster.lab.host("h1").exec(["ip", "-br", "link"]);
        return stdout.split("\n").filter((line) => line.startsWith("mp")).length === 1;
      },
      "one foothold that is left",
    );
  });
});
