/** `muster apply` against a real coordinator and agents: made, made again, changed, refused. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { muster } from "../../packages/cli/src/testing/in-process.ts";
import { RealCluster } from "./real-cluster.ts";

const TEST_MS = 30_000;

const addresses = `
kind: address
network: dmz
name: web-1
address: 10.3.0.50
---
kind: address
network: dmz
name: web-2
`;

const dmz = (mtu: number): string => `
kind: network
name: dmz
vlan: 30
mtu: ${String(mtu)}
subnets:
  - cidr: 10.3.0.0/24
    gateway: 10.3.0.1
    ranges: [10.3.0.50-10.3.0.99]
---
kind: network
name: blue
vlan: 10
`;

describe("apply", { timeout: TEST_MS }, () => {
  let cluster: RealCluster;
  let folder = "";
  beforeAll(async () => {
    cluster = await RealCluster.start({ hosts: 2 });
    folder = join(cluster.directory, "site");
    await mkdir(folder);
    // Read first, made last.
    await writeFile(join(folder, "addresses.yaml"), addresses);
    await writeFile(join(folder, "networks.yaml"), dmz(1_500));
  }, TEST_MS);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  const run = (...argv: readonly string[]) =>
    muster([...argv, "--coordinator", `unix://${cluster.socketPath}`]);
  const apply = (...argv: readonly string[]) => run("apply", "-f", folder, ...argv);

  it("changes nothing in a dry run", async () => {
    const { exitCode, stdout, stderr } = await apply("--dry-run");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("4 to create or change, 0 as they should be");
    expect((await run("network", "ls", "-o", "name")).stdout).toBe("");
  });

  it("makes what is not there, and has nothing to do the second time", async () => {
    const first = await apply("--reason", "new site");
    expect(first.stdout).toContain("4/4 created address on dmz for web-2: 10.3.0.51");
    expect(first.exitCode).toBe(0);
    expect((await run("network", "ls", "-o", "name")).stdout).toBe("blue\ndmz\n");
    const second = await apply();
    expect(second.exitCode).toBe(0);
    expect(second.stdout).toBe("nothing to do: 4 as they should be\n");
  });

  it("changes what differs", async () => {
    await writeFile(join(folder, "networks.yaml"), dmz(1_400));
    const { exitCode, stdout } = await apply();
    expect(stdout).toContain("  mtu: 1500 -> 1400");
    expect(stdout).toContain("1/1 changed network dmz: on h1, h2");
    expect(exitCode).toBe(0);
    expect(JSON.parse((await run("network", "show", "dmz", "-o", "json")).stdout)).toMatchObject({
      mtu: 1_400,
    });
  });

  it("begins nothing when the coordinator refuses a part", async () => {
    await writeFile(
      join(folder, "more.yaml"),
      "kind: network\nname: ok\nvlan: 99\n---\nkind: network\nname: clash\nvlan: 30\n",
    );
    const { exitCode, stderr } = await apply();
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("document 2 (network clash): ");
    expect(stderr).toContain("is already network dmz");
    expect((await run("network", "ls", "-o", "name")).stdout).toBe("blue\ndmz\n");
  });
});
