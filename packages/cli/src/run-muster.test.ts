/** Goal: the wire's answers become the right words and exit codes. Method: a real gRPC server with scripted answers. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { errorCodes } from "@muster/model";
import type { CreateVmRequest, InviteHostRequest } from "@muster/proto/admin";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exitCodeOf } from "./exit-codes.ts";
import { aHost, anOperation, aSpec, aVm } from "./testing/builders.ts";
import { muster } from "./testing/in-process.ts";
import {
  answering,
  detailed,
  refusing,
  ScriptedCoordinator,
  type Script,
} from "./testing/scripted-coordinator.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function against(script: Script, ...argv: readonly string[]) {
  const socket = join(directory, "s");
  await using coordinator = await ScriptedCoordinator.listen(socket, script);
  return await muster([...argv, "--coordinator", coordinator.address]);
}

describe("answers", () => {
  const script: Script = {
    listVms: answering(() => ({ vms: [aVm(), aVm({ name: "web-2" })] })),
    getHost: answering(() => ({ host: aHost(), vms: [aVm()] })),
  };

  it("come as a table", async () => {
    const { exitCode, stdout, stderr } = await against(script, "vm", "ls");
    expect(stdout).toMatch(/^NAME +STATE +HOST/);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });

  it("come as JSON with words and numbers", async () => {
    const { stdout } = await against(script, "vm", "ls", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject([
      { name: "web-1", state: "running", spec: { memoryBytes: 536_870_912 } },
      { name: "web-2" },
    ]);
  });

  it("come as names", async () => {
    expect((await against(script, "-o", "name", "vm", "ls")).stdout).toBe("web-1\nweb-2\n");
  });

  it("come as YAML", async () => {
    expect((await against(script, "host", "show", "h1", "-o", "yaml")).stdout).toMatch(/^id: /);
  });
});

describe("refusals", () => {
  const codes = Object.keys(errorCodes) as readonly (keyof typeof errorCodes)[];

  it.each(codes)("%s has its exit code", async (code) => {
    const detail = { code, message: "no", cause: "because", hint: "try", reasons: ["one", "two"] };
    const script: Script = { getVm: refusing(detailed(status.FAILED_PRECONDITION, detail)) };
    const { exitCode, stderr } = await against(script, "vm", "show", "web-1");
    expect(exitCode).toBe(exitCodeOf(code));
    expect(stderr).toBe("muster: no\n  because: because\n  - one\n  - two\n  what to do: try\n");
  });

  it("are JSON for tools", async () => {
    const refusal = detailed(status.NOT_FOUND, { code: "not-found", message: "no vm x" });
    const { stderr } = await against({ getVm: refusing(refusal) }, "vm", "show", "x", "-o", "json");
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "not-found", message: "no vm x" } });
  });

  it("of another program keep their gRPC status", async () => {
    const { exitCode, stderr } = await against({}, "vm", "show", "x");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("compare `muster version`");
  });

  it("with an unreadable or unknown detail are still told", async () => {
    const unknown = detailed(status.ABORTED, { code: "from-the-future", message: "told" });
    const first = await against({ getVm: refusing(unknown) }, "vm", "show", "x");
    expect(first).toMatchObject({ exitCode: 1 });
    expect(first.stderr).toContain("muster: told");
    const broken = detailed(status.ABORTED, {});
    broken.metadata?.set("muster-error-bin", Buffer.from([0xff, 0xff]));
    const second = await against(
      { getVm: refusing({ ...broken, details: "torn" }) },
      "vm",
      "show",
      "x",
    );
    expect(second).toMatchObject({ exitCode: 1 });
    expect(second.stderr).toContain("cannot be read");
  });

  it("of a slow coordinator come after --timeout", async () => {
    const script: Script = { getVm: () => undefined };
    const { exitCode, stderr } = await against(script, "vm", "show", "x", "--timeout", "300ms");
    expect(exitCode).toBe(8);
    expect(stderr).toContain("cannot show VM x");
  });
});

describe("an unreachable coordinator", () => {
  it("is named, with what to check", async () => {
    const address = `unix://${join(directory, "none")}`;
    const { exitCode, stderr } = await muster(["vm", "ls", "--coordinator", address]);
    expect(exitCode).toBe(8);
    expect(stderr).toContain(
      `cannot reach the coordinator at ${address}\n  because: there is no such socket`,
    );
    expect(stderr).toContain("systemctl status muster-coordinator");
  });

  it("is found through the environment", async () => {
    const environment = { MUSTER_COORDINATOR: join(directory, "other") };
    expect((await muster(["vm", "ls"], { environment })).stderr).toContain(`${directory}/other`);
  });

  it("does not hide the version of this program", async () => {
    const { exitCode, stdout } = await muster([
      "version",
      "--coordinator",
      join(directory, "none"),
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^muster \d+\.\d+\.\d+\ncannot reach the coordinator/);
  });
});

describe("something else behind the address", () => {
  it.each([
    ["an HTTP/1 server", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["noise", "\u0000\u0001\u0002".repeat(1_000)],
    ["silence", ""],
  ])("%s is no coordinator", async (_case, greeting) => {
    const path = join(directory, "other");
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => sockets.delete(socket));
      socket.write(greeting);
    });
    await once(server.listen(path), "listening");
    try {
      const run = await muster(["vm", "ls", "--coordinator", path, "--timeout", "500ms"]);
      expect(run).toMatchObject({ exitCode: 8, stdout: "" });
      expect(run.stderr).toContain(`cannot reach the coordinator at unix://${path}`);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  it("an answer of 100 MB is refused, not held", async () => {
    const big = "x".repeat(1024 * 1024);
    const script: Script = {
      listVms: answering(() => ({
        vms: Array.from({ length: 100 }, () => aVm({ trouble: big })),
      })),
    };
    const { exitCode, stderr } = await against(script, "vm", "ls");
    expect(exitCode).toBe(4);
    expect(stderr).toContain("larger than max");
  });
});

describe("bad usage", () => {
  it.each([
    [["vm", "lss"], "unknown command 'lss'\n(Did you mean ls?)"],
    [["vm", "create", "a b", "--memory", "1G"], 'name: "a b" is not a name'],
    [["vm", "create", "a"], "memory: is required"],
    [["vm", "create", "a", "--memory", "-1G"], "is not a size"],
    [["vm", "create", "a", "--memory", "1G", "--cpus", "-1"], "is not a number"],
    [["vm", "ls", "-o", "xml"], "Allowed choices are table, wide, json, yaml, name"],
    [["vm", "stop", "a", "--wait", "--detach"], "cannot be used with"],
    [["network", "create", "blue"], "--vlan: is required"],
    [["network", "create", "blue", "--vlan", "5000"], "5000 is not a VLAN id"],
    [["network", "create", "blue", "--vlan", "1e1"], "is not a whole number"],
    [["network", "create", "blue", "--vlan", "1", "--mtu", "100"], "out of range"],
    [["explain", "vm"], "which VM?"],
    [["explain", "vm", "a", "--cpus", "2"], "not both"],
    [["vm", "ls", "--timeout", "soon"], "is not a duration"],
    [["vm", "ls", "--coordinator", "http://ctl"], "plaintext is never spoken"],
  ])("%j", async (argv, message) => {
    const { exitCode, stdout, stderr } = await muster([
      "--coordinator",
      join(directory, "x"),
      ...argv,
    ]);
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  it("of the identity is not permitted", async () => {
    const argv = ["vm", "ls", "--coordinator", "https://localhost:1"];
    expect(await muster(argv)).toMatchObject({ exitCode: 9 });
    const missing = await muster([...argv, "--identity", directory]);
    expect(missing.exitCode).toBe(9);
    expect(missing.stderr).toContain(`cannot read ${directory}/authority.pem`);
    for (const name of ["key", "certificate", "authority"]) {
      await writeFile(join(directory, `${name}.pem`), "not PEM");
    }
    const broken = await muster([...argv, "--identity", directory]);
    expect(broken).toMatchObject({ exitCode: 9 });
    expect(broken.stderr).toContain("PEM files cannot be used");
  });
});

describe("changes", () => {
  it("carry the reason and a request id of their own", async () => {
    const seen: CreateVmRequest[] = [];
    const script: Script = {
      createVm: answering((request) => {
        seen.push(request);
        return { operation: anOperation(), vm: aVm(), explanation: undefined };
      }),
    };
    const argv = ["vm", "create", "web-1", "--memory", "512M", "--detach", "--reason", "a test"];
    const { stdout } = await against(script, ...argv);
    await against(script, ...argv, "--request-id", "mine");
    expect(stdout).toBe("op-000001\n");
    expect(seen.map(({ why }) => why?.reason)).toEqual(["a test", "a test"]);
    expect(seen[0]?.why?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen[1]?.why?.requestId).toBe("mine");
  });

  it("send the whole spec", async () => {
    let seen: CreateVmRequest | undefined;
    const script: Script = {
      createVm: answering((request) => {
        seen = request;
        return {
          operation: undefined,
          vm: aVm(),
          explanation: { lines: ["h1: best"], json: '{"a":1}', placed: true },
        };
      }),
    };
    const flags =
      "--cpus 2 --memory 512M --disk storage=shared,size=10G,base=debian-13 --network blue,mac=52:54:00:00:00:01";
    const run = await against(
      script,
      "vm",
      "create",
      "web-1",
      ...flags.split(" "),
      "--dry-run",
      "--host",
      "h1",
    );
    expect(run.stdout).toBe(
      "would create VM web-1 on h1\nh1: best\nnothing was changed (dry run)\n",
    );
    expect(seen).toMatchObject({
      spec: aSpec(),
      host: "h1",
      stopped: false,
      why: { dryRun: true },
    });
  });

  it("show a join string alone on stdout", async () => {
    let seen: InviteHostRequest | undefined;
    const inviteHost = answering((request: InviteHostRequest) => {
      seen = request;
      return { joinString: "muster1.secret", expiresAt: "2026-01-01T01:00:00Z" };
    });
    const run = await against({ inviteHost }, "host", "invite", "h4", "--valid", "10m");
    expect(run.stdout).toBe("muster1.secret\n");
    expect(run.stderr).toContain("muster-agent join");
    expect(seen).toMatchObject({ name: "h4", validSeconds: 600 });
  });
});
