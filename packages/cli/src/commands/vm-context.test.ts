/** Goal: contexts reach the coordinator whole, and waiting says what became of the guest. Method: a scripted coordinator. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreateVmRequest, GetVmContextResponse } from "@muster/proto/admin";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aSucceededOperation, aVm } from "../testing/builders.ts";
import { muster } from "../testing/in-process.ts";
import { answering, ScriptedCoordinator, type Script } from "../testing/scripted-coordinator.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9 alice";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function against(script: Script, ...argv: readonly string[]) {
  await using coordinator = await ScriptedCoordinator.listen(join(directory, "s"), script);
  return await muster([...argv, "--coordinator", coordinator.address]);
}

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(directory, name), text);
  return join(directory, name);
};

const told = (change: Partial<GetVmContextResponse> = {}): GetVmContextResponse => ({
  format: "nocloud",
  redacted: JSON.stringify({ hostname: "web-1", values: { TOKEN: "sealed, 5 bytes" } }),
  state: "configured",
  stages: [
    { stage: "individual", state: "running", exitCode: 0, logTail: "", at: "2026-01-01T00:00:00Z" },
    { stage: "individual", state: "done", exitCode: 0, logTail: "", at: "2026-01-01T00:00:05Z" },
  ],
  seedPresent: true,
  deadline: "2026-01-01T00:30:00Z",
  problem: "",
  ...change,
});

function creating(context: GetVmContextResponse) {
  const asked: CreateVmRequest[] = [];
  const script: Script = {
    createVm: answering((request: CreateVmRequest) => {
      asked.push(request);
      return { operation: aSucceededOperation(), vm: aVm(), explanation: undefined };
    }),
    watchOperation: (call) => {
      call.write({ operation: aSucceededOperation() });
      call.end();
    },
    getVm: answering(() => ({ vm: aVm() })),
    getVmContext: answering(() => context),
  };
  return { script, asked };
}

const create = [
  "vm",
  "create",
  "web-1",
  "--memory",
  "1G",
  "--disk",
  "storage=shared,size=1G",
] as const;

describe("vm create with a context", () => {
  it("sends what the file and the flags say", async () => {
    const { script, asked } = creating(told());
    const context = await file("c.yaml", "hostname: web-1.example.org\nvalues: { SIZE: 3 }\n");
    const keys = await file("id.pub", `# mine\n${KEY}\n`);
    const userData = await file("u", "#cloud-config\n");
    const { exitCode, stderr } = await against(
      script,
      ...create,
      ...["--context", context, "--ssh-key", keys, "--ssh-key", KEY, "--user-data", userData],
    );
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(asked[0]?.context ?? "")).toStrictEqual({
      hostname: "web-1.example.org",
      values: { SIZE: 3 },
      sshKeys: [KEY, KEY],
      userData: "#cloud-config\n",
    });
  });

  it("refuses a wrong one before the coordinator is asked", async () => {
    const { script, asked } = creating(told());
    const context = await file("c.yaml", "hostnam: web-1\n");
    const { exitCode, stderr } = await against(script, ...create, "--context", context);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("context.hostnam: unknown field");
    expect(asked).toStrictEqual([]);
  });

  it("waits until the guest is configured, and shows its stages", async () => {
    const { script } = creating(told());
    const words = ["--ssh-key", KEY, "--wait", "configured"];
    const { exitCode, stdout, stderr } = await against(script, ...create, ...words);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain("first boot of web-1: individual settings done\n");
    expect(stdout).toContain("and configured (");
  });

  it("says which stage failed, with the end of its log", async () => {
    const failed = told({
      state: "failed",
      problem: "individual settings failed with exit code 100",
      stages: [
        { stage: "individual", state: "failed", exitCode: 100, logTail: "E: no htop\n", at: "" },
      ],
    });
    const { script } = creating(failed);
    const words = ["--ssh-key", KEY, "--wait", "configured"];
    const { exitCode, stderr } = await against(script, ...create, ...words);
    expect(exitCode).toBe(6);
    expect(stderr).toContain("individual settings failed with exit code 100");
    expect(stderr).toContain("E: no htop");
  });

  it("does not wait for a guest that is told nothing", async () => {
    const { script, asked } = creating(told());
    const { exitCode, stderr } = await against(script, ...create, "--wait", "configured");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("this VM's guest is told nothing");
    expect(asked).toStrictEqual([]);
  });
});

describe("vm context show", () => {
  it("shows it for people", async () => {
    const { exitCode, stdout } = await against(
      { getVmContext: answering(() => told()) },
      ...["vm", "context", "show", "web-1"],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain("VM web-1: configured\nform nocloud, its disk is in the VM\n");
    expect(stdout).toContain("TOKEN: sealed, 5 bytes");
  });

  it("shows it for programs", async () => {
    const { stdout } = await against(
      { getVmContext: answering(() => told({ redacted: "", seedPresent: false })) },
      ...["vm", "context", "show", "web-1", "-o", "json"],
    );
    expect(JSON.parse(stdout)).toMatchObject({ context: null, seedPresent: false });
  });
});

it("coordinator rotate-secrets says what it did", async () => {
  const { stdout } = await against(
    { rotateSecrets: answering(() => ({ contexts: 2, key: 3 })) },
    ...["coordinator", "rotate-secrets"],
  );
  expect(stdout).toBe("2 contexts sealed anew with key 3; older keys are forgotten\n");
});
