import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SetHostInterfacesRequest } from "@muster/proto/admin";
import type { HostInterfacesSpec } from "@muster/proto/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { aSucceededOperation } from "../testing/builders.ts";
import { muster } from "../testing/in-process.ts";
import { answering, ScriptedCoordinator, streaming } from "../testing/scripted-coordinator.ts";

const file = `
bonds:
  - { name: bond0, mode: 802.3ad, members: [eth0, "mac=52:54:00:00:00:01"] }
interfaces:
  - bond: bond0
    vlan: 7
    bridge: mgmt
    source: static
    addresses: [10.0.0.5/24]
    gateway: 10.0.0.1
`;

let directory = "";
let kept: HostInterfacesSpec | undefined;
const asked: SetHostInterfacesRequest[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-own-"));
  await writeFile(join(directory, "h1.yaml"), file);
  kept = undefined;
  asked.length = 0;
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function interfaces(...argv: readonly string[]) {
  const socket = join(directory, "s");
  await using coordinator = await ScriptedCoordinator.listen(socket, {
    getHostNetwork: answering(({ host }) => ({
      host,
      wantedRevision: "",
      networks: [],
      uplinks: [],
      interfaces: kept,
      observed: undefined,
      observedNetworks: [],
      differences: [],
    })),
    setHostInterfaces: answering((request) => {
      asked.push(request);
      kept = request.spec;
      return { operation: request.why?.dryRun === true ? undefined : aSucceededOperation() };
    }),
    watchOperation: streaming([{ operation: aSucceededOperation() }]),
  });
  return await muster(["host", "interfaces", ...argv, "--coordinator", coordinator.address]);
}

describe("muster host interfaces", () => {
  it("shows the difference in a dry run", async () => {
    const path = join(directory, "h1.yaml");
    const { exitCode, stdout } = await interfaces("set", "h1", "-f", path, "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^bonds: \[\] -> .*bond0/m);
    expect(stdout).toContain("nothing was changed (dry run)");
    expect(asked.map(({ why }) => why?.dryRun)).toEqual([true]);
  });

  it("sets them, and what it shows can be given back", async () => {
    const set = await interfaces("set", "h1", "-f", join(directory, "h1.yaml"));
    expect(set.stdout).toContain("the interfaces of host h1 are set");
    expect(asked[0]?.spec).toMatchObject({
      host: "h1",
      bonds: [{ name: "bond0", mode: "802.3ad", members: [{ by: { value: "eth0" } }, {}] }],
      interfaces: [{ bond: "bond0", vlan: 7, bridge: "mgmt", addresses: ["10.0.0.5/24"] }],
    });
    const shown = parse((await interfaces("show", "h1", "-o", "yaml")).stdout) as { spec: object };
    const again = join(directory, "again.json");
    await writeFile(again, JSON.stringify(shown.spec));
    await interfaces("set", "h1", "-f", again);
    expect(asked[1]?.spec).toEqual(asked[0]?.spec);
  });

  it.each([
    ["interfaces: [{ vlan: 7 }]", "interfaces[0].nic: is required, or bond"],
    ["interfaces: [{ nic: eth0, adresses: [] }]", 'did you mean "addresses"?'],
    ["interfaces: [{ bond: bond9 }]", 'there is no bond "bond9"'],
    ["host: h2", "host: is h2, not h1"],
  ])("says what is wrong with %s", async (text, message) => {
    const path = join(directory, "wrong.yaml");
    await writeFile(path, text);
    const { exitCode, stderr } = await interfaces("set", "h1", "-f", path);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`in ${path}: `);
    expect(stderr).toContain(message);
    expect(asked).toEqual([]);
  });
});
