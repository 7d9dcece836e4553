/** Goal: `muster apply` shows, asks and stops as it says. Method: a real gRPC server with scripted answers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import {
  OperationState,
  type ReserveAddressRequest,
  type SetNetworkRequest,
} from "@muster/proto/admin";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aNetwork, anOperation, aSucceededOperation } from "../testing/builders.ts";
import { muster } from "../testing/in-process.ts";
import {
  answering,
  detailed,
  refusing,
  ScriptedCoordinator,
  streaming,
  type Script,
} from "../testing/scripted-coordinator.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-apply-"));
  await writeFile(
    join(directory, "net.yaml"),
    "kind: network\nname: blue\nvlan: 10\nmtu: 9000\n---\nkind: address\nnetwork: blue\nname: web-1\naddress: 10.1.0.50\n",
  );
  await writeFile(join(directory, "notes.txt"), "not for muster");
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const asked: (SetNetworkRequest | ReserveAddressRequest)[] = [];

const script: Script = {
  listNetworks: answering(() => ({ networks: [aNetwork()] })),
  listUplinks: answering(() => ({ uplinks: [] })),
  listAddresses: answering(() => ({ addresses: [], subnets: [] })),
  listRules: answering(() => ({ rules: [] })),
  setNetwork: answering((request) => {
    asked.push(request);
    const operation = request.why?.dryRun === true ? undefined : anOperation({ id: "op-000009" });
    return { operation, hosts: ["h1"], differences: [] };
  }),
  reserveAddress: answering((request) => {
    asked.push(request);
    return { address: request.address };
  }),
  watchOperation: streaming([{ operation: aSucceededOperation({ id: "op-000009" }) }]),
};

async function apply(change: Script, ...argv: readonly string[]) {
  asked.length = 0;
  const socket = join(directory, "s");
  await using coordinator = await ScriptedCoordinator.listen(socket, { ...script, ...change });
  return await muster(["apply", "-f", directory, ...argv, "--coordinator", coordinator.address]);
}

describe("muster apply", () => {
  it("shows what differs and changes nothing in a dry run", async () => {
    const { exitCode, stdout } = await apply({}, "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("change network blue");
    expect(stdout).toContain("  mtu: 1500 -> 9000");
    expect(stdout).toContain("2 to create or change, 0 as they should be");
    expect(stdout).toContain("nothing was changed (dry run)");
    expect(asked.every(({ why }) => why?.dryRun === true)).toBe(true);
  });

  it("changes one after the other, each as a request of its own with the reason", async () => {
    const { exitCode, stdout } = await apply({}, "--reason", "CHG-7");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("1/2 changed network blue: on h1 (op-000009)");
    expect(stdout).toContain("2/2 created address 10.1.0.50 on blue for web-1: 10.1.0.50");
    const real = asked.filter(({ why }) => why?.dryRun === false);
    expect(real.map(({ why }) => why?.reason)).toEqual(["CHG-7", "CHG-7"]);
    expect(new Set(real.map(({ why }) => why?.requestId)).size).toBe(2);
  });

  it("prints one object under -o json", async () => {
    const { stdout } = await apply({}, "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: false,
      plan: [
        { title: "network blue", action: "change", differences: ["mtu: 1500 -> 9000"] },
        { action: "create" },
      ],
      done: [{ title: "network blue", operation: "op-000009" }, { result: "10.1.0.50" }],
    });
  });

  it("changes nothing when the coordinator refuses any of what it can judge", async () => {
    const detail = { code: "wrong-state", message: "network blue is protected on h1" };
    const { exitCode, stderr } = await apply({
      setNetwork: refusing(detailed(status.FAILED_PRECONDITION, detail)),
    });
    expect(exitCode).toBe(4);
    expect(stderr).toContain("net.yaml, document 1 (network blue): ");
    expect(asked.filter(({ why }) => why?.dryRun === false)).toEqual([]);
  });

  it("stops at the first that fails and says what is left", async () => {
    const operation = anOperation({ id: "op-000009", state: OperationState.FAILED });
    const { exitCode, stderr } = await apply({ watchOperation: streaming([{ operation }]) });
    expect(exitCode).toBe(6);
    expect(stderr).toContain("0 of 2 done, left: network blue; address 10.1.0.50");
    expect(asked.filter((request) => "address" in request)).toEqual([]);
  });
});
