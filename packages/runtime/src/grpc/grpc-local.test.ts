import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MusterError } from "@muster/model";
import { AdminService, type GetClusterResponse } from "@muster/proto/admin";
import { DispatchService, type SessionRequest, type SessionResponse } from "@muster/proto/dispatch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Link } from "../link.ts";
import { silentLogger } from "../log.ts";
import { connect, type RpcClient } from "./client.ts";
import { listenLocal, type RpcListener } from "./listen-local.ts";
import { implement, type CallContext, type Handlers } from "./service.ts";

type Admin = Handlers<typeof AdminService>;
type Dispatch = Handlers<typeof DispatchService>;

const clusterResponse: GetClusterResponse = {
  clusterId: "c1",
  version: "1",
  authorityFingerprint: "",
  agentAddresses: [],
  metricsAddress: "",
  rebalance: undefined,
  openPlans: [],
};

const notHere = (): never => {
  throw new MusterError("internal", "not part of this test");
};

/** Every method refuses, except those given. */
function adminWith(handlers: Partial<Admin>): Admin {
  const names = Object.keys(AdminService) as (keyof Admin)[];
  const refusing = Object.fromEntries(names.map((name) => [name, notHere])) as Partial<Admin>;
  return { ...refusing, ...handlers } as Admin;
}

const heartbeat = (sequence: bigint): SessionRequest => ({
  message: {
    $case: "heartbeat",
    value: { sequence, libvirtAlive: true, number: 0, lease: undefined },
  },
});
const requestReport: SessionResponse = { message: { $case: "requestReport", value: {} } };

const eventually = async (predicate: () => boolean, timeoutMs = 5_000): Promise<void> => {
  const endMs = performance.now() + timeoutMs;
  while (!predicate()) {
    if (performance.now() > endMs) throw new Error("it never became true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

describe("gRPC over a unix socket", () => {
  let directory: string;
  let listener: RpcListener | undefined;
  let client: RpcClient | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "muster-grpc-"));
  });
  afterEach(async () => {
    client?.close();
    await listener?.close();
    client = undefined;
    listener = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  const serve = async (
    admin: Partial<Admin>,
    dispatch: Partial<Dispatch> = {},
  ): Promise<RpcClient> => {
    const path = join(directory, "run", "socket");
    const services = [
      implement(AdminService, adminWith(admin)),
      implement(DispatchService, { session: notHere, bulk: notHere, ...dispatch }),
    ];
    listener = await listenLocal({ path, services, logger: silentLogger });
    client = await connect({ addresses: [`unix://${path}`], timeoutMs: 5_000 });
    return client;
  };

  it("answers, tells the handler its peer is local, and lets only the owner in", async () => {
    let seen: CallContext | undefined;
    const rpc = await serve({
      getCluster: async (_request, context) => {
        seen = context;
        return clusterResponse;
      },
    });
    await expect(rpc.unary(AdminService.getCluster, {}, { timeoutMs: 5_000 })).resolves.toEqual(
      clusterResponse,
    );
    expect(seen?.peer).toEqual({ kind: "local" });
    expect(seen?.deadline?.getTime()).toBeGreaterThan(Date.now());
    const { mode } = await stat(join(directory, "run", "socket"));
    expect(mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "run"))).mode & 0o777).toBe(0o700);
  });

  it("carries a MusterError whole", async () => {
    const error = new MusterError("no-placement", "no host fits vm web-1", {
      hint: "add a host",
      reasons: ["h1: too little memory", "h2: cordoned"],
      cause: new Error("2 of 2 hosts refused"),
    });
    const rpc = await serve({ getCluster: () => Promise.reject(error) });
    const failure = await rpc.unary(AdminService.getCluster, {}).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(MusterError);
    expect(failure).toMatchObject({
      code: "no-placement",
      message: error.message,
      hint: error.hint,
      reasons: error.reasons,
    });
  });

  it("carries where the leader is, and no address that is none", async () => {
    const leaderAddresses = ["https://c2:7443", "10.0.0.2:7442", "c2,c3", "ü:7442", ""];
    const error = new MusterError("not-leader", "c1 is a standby", { leaderAddresses });
    const rpc = await serve({ getCluster: () => Promise.reject(error) });
    const failure = await rpc.unary(AdminService.getCluster, {}).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      code: "not-leader",
      leaderAddresses: ["https://c2:7443", "10.0.0.2:7442"],
    });
  });

  it("does not show what an unexpected error says", async () => {
    const rpc = await serve({
      getCluster: () => Promise.reject(new TypeError("secret of the house")),
    });
    const failure = await rpc.unary(AdminService.getCluster, {}).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      code: "internal",
      message: "internal error in /muster.v1.Admin/GetCluster",
    });
    expect(JSON.stringify(failure)).not.toContain("secret of the house");
  });

  it("cuts errors that are too long for trailers, and survives text that is not well-formed", async () => {
    const reasons = Array.from(
      { length: 5_000 },
      (_, index) => `h${String(index)}: not enough memory`,
    );
    const rpc = await serve({
      getCluster: () =>
        Promise.reject(new MusterError("no-placement", "\ud800 no host fits", { reasons })),
    });
    const failure = await rpc.unary(AdminService.getCluster, {}).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "no-placement" });
    expect((failure as MusterError).reasons.at(-1)).toMatch(/^… and \d+ more$/);
    expect((failure as MusterError).reasons.length).toBeGreaterThan(500);
  });

  it("refuses bytes that are no message by name", async () => {
    const rpc = await serve({ getVm: notHere });
    const garbage = {
      ...AdminService.getVm,
      requestSerialize: () => Buffer.from([0xff, 0xff, 0xff]),
    };
    const failure = await rpc.unary(garbage, { vm: "x" }).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      code: "invalid",
      message: "3 bytes are not a request of /muster.v1.Admin/GetVm",
    });
  });

  it("refuses a 100 MB message and goes on", async () => {
    const rpc = await serve({ getCluster: async () => clusterResponse, getVm: notHere });
    const huge = { ...AdminService.getVm, requestSerialize: () => Buffer.alloc(100 * 1024 * 1024) };
    const failure = await rpc.unary(huge, { vm: "x" }).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "limit-exceeded" });
    await expect(rpc.unary(AdminService.getCluster, {})).resolves.toEqual(clusterResponse);
  });

  it("gives up at the deadline and tells the handler", async () => {
    let gone = false;
    const rpc = await serve({
      getCluster: async (_request, { signal }) => {
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        gone = true;
        return clusterResponse;
      },
    });
    const failure = await rpc
      .unary(AdminService.getCluster, {}, { timeoutMs: 100 })
      .catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "timeout" });
    await eventually(() => gone);
  });

  it("streams answers no faster than they are read, and stops when the reader goes", async () => {
    let made = 0;
    let ended = false;
    const rpc = await serve({
      watchEvents: async function* (_request, { signal }) {
        try {
          while (!signal.aborted) {
            made += 1;
            const event = { sequence: BigInt(made), message: "x".repeat(100_000) };
            yield {
              event: { at: "", kind: "", subject: "", host: "", operationId: "", ...event },
            };
            if (made % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          ended = true;
        }
      },
    });
    const request = AdminService.watchEvents.requestDeserialize(Buffer.alloc(0));
    let read = 0;
    for await (const _event of rpc.watch(AdminService.watchEvents, request)) {
      read += 1;
      if (read === 3) break;
    }
    await eventually(() => ended);
    expect(made).toBeLessThan(200);
  });

  it("carries a conversation and its proper end", async () => {
    const heard: bigint[] = [];
    const rpc = await serve(
      {},
      {
        session: async (link) => {
          for await (const { message } of link.incoming) {
            if (message?.$case === "heartbeat") heard.push(message.value.sequence);
            link.send(requestReport);
          }
        },
      },
    );
    const link = rpc.open(DispatchService.session);
    link.send(heartbeat(1n));
    link.send(heartbeat(2n));
    const answers: SessionResponse[] = [];
    for await (const answer of link.incoming) {
      answers.push(answer);
      if (answers.length === 2) link.close();
    }
    expect(heard).toEqual([1n, 2n]);
    expect(answers).toEqual([requestReport, requestReport]);
  });

  it("delivers what was sent before the error, then the error", async () => {
    const rpc = await serve(
      {},
      {
        session: async (link) => {
          link.send(requestReport);
          await new Promise((resolve) => setTimeout(resolve, 50));
          throw new MusterError("forbidden", "host h1 was removed");
        },
      },
    );
    const link = rpc.open(DispatchService.session);
    const answers: SessionResponse[] = [];
    const reading = (async () => {
      for await (const answer of link.incoming) answers.push(answer);
    })();
    await expect(reading).rejects.toMatchObject({
      code: "forbidden",
      message: "host h1 was removed",
    });
    expect(answers).toEqual([requestReport]);
  });

  it("ends both links when the connection is cut", async () => {
    let serverLink: Link<SessionResponse, SessionRequest> | undefined;
    let serverEnd: unknown;
    const rpc = await serve(
      {},
      {
        session: async (link) => {
          serverLink = link;
          try {
            for await (const _message of link.incoming);
          } catch (error) {
            serverEnd = error;
          }
        },
      },
    );
    const link = rpc.open(DispatchService.session);
    link.send(heartbeat(1n));
    await eventually(() => serverLink !== undefined);
    await listener?.close();
    const reading = (async () => {
      for await (const _message of link.incoming);
    })();
    await expect(reading).rejects.toMatchObject({ code: "unreachable" });
    await eventually(() => serverEnd !== undefined);
    expect(serverEnd).toMatchObject({ code: "unreachable" });
    serverLink?.send(requestReport);
    link.send(heartbeat(2n));
  });

  it("closes a link whose other side does not read", async () => {
    let failure: unknown;
    let sent = 0;
    const rpc = await serve(
      {},
      {
        session: async (link) => {
          const reading = (async () => {
            for await (const _message of link.incoming);
          })().catch((error: unknown) => {
            failure = error;
          });
          const big: SessionResponse = {
            message: {
              $case: "command",
              value: { commandId: "x".repeat(100_000), timeoutMs: 0, action: undefined },
            },
          };
          while (failure === undefined && sent < 10_000) {
            link.send(big);
            sent += 1;
            if (sent % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          }
          await reading;
        },
      },
    );
    const link = rpc.open(DispatchService.session);
    link.send(heartbeat(1n));
    await eventually(() => failure !== undefined, 20_000);
    expect(failure).toMatchObject({ code: "limit-exceeded" });
    expect(sent).toBeLessThan(2_000);
  });

  it("lets running calls end when drained", async () => {
    let finish: (() => void) | undefined;
    const rpc = await serve({
      getCluster: async () => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return clusterResponse;
      },
    });
    const answer = rpc.unary(AdminService.getCluster, {});
    await eventually(() => finish !== undefined);
    const drained = listener?.drain(5_000);
    finish?.();
    await expect(answer).resolves.toEqual(clusterResponse);
    await drained;
  });

  it("replaces a dead process's socket but not a living one's", async () => {
    await serve({});
    const path = join(directory, "run", "socket");
    await expect(listenLocal({ path, services: [], logger: silentLogger })).rejects.toMatchObject({
      code: "wrong-state",
    });
    const stale = join(directory, "stale");
    const program = `require("node:net").createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", program]);
    expect((await stat(stale)).isSocket()).toBe(true);
    await using taken = await listenLocal({ path: stale, services: [], logger: silentLogger });
    expect(taken.address).toBe(`unix://${stale}`);
    await writeFile(join(directory, "file"), "");
    await expect(
      listenLocal({ path: join(directory, "file"), services: [], logger: silentLogger }),
    ).rejects.toMatchObject({ code: "invalid" });
  });

  it("says why nobody can be reached", async () => {
    const missing = `unix://${join(directory, "nothing")}`;
    const failure = await connect({ addresses: [missing], timeoutMs: 1_000 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(failure).toMatchObject({ code: "unreachable" });
    expect((failure as MusterError).reasons[0]).toContain("there is no such socket");
  });
});
