/** Who is let in, and who is not, over real TLS. */
import { readdir } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { AdminService } from "@muster/proto/admin";
import { DispatchService } from "@muster/proto/dispatch";
import { connect, systemClock } from "@muster/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trustOf } from "../../packages/agent/src/enrolment/identity.ts";
import { renew } from "../../packages/agent/src/enrolment/renew.ts";
import { RealCluster, until } from "./real-cluster.ts";

const TEST_MS = 30_000;
let cluster: RealCluster;

beforeAll(async () => {
  cluster = await RealCluster.start({ hosts: 1 });
}, TEST_MS);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const dial = (trust: ReturnType<typeof trustOf>) =>
  connect({ addresses: [cluster.address], trust, timeoutMs: 3_000 });

describe("joining", { timeout: TEST_MS }, () => {
  it("works once with one string; the second machine is refused and keeps nothing", async () => {
    const joinString = await cluster.invite("h2");
    await cluster.joinHost("h2", joinString);
    await expect(cluster.joinHost("thief", joinString, "h2")).rejects.toMatchObject({
      code: "unauthenticated",
    });
    expect(await readdir(cluster.hostDirectory("thief"))).toStrictEqual([]);
  });

  it("is refused with a string for another host", async () => {
    const joinString = await cluster.invite("h3");
    await expect(cluster.joinHost("h4", joinString)).rejects.toMatchObject({ code: "invalid" });
    expect(await readdir(cluster.hostDirectory("h4"))).toStrictEqual([]);
  });

  it("is refused with a string that has expired, or was replaced by a newer one", async () => {
    const late = await cluster.invite("h5", 1);
    await systemClock.sleep(1_100);
    await expect(cluster.joinHost("h5", late)).rejects.toMatchObject({ code: "unauthenticated" });
    const old = await cluster.invite("h6");
    await cluster.invite("h6");
    await expect(cluster.joinHost("h6", old)).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("is refused with a string that was damaged on its way", async () => {
    const joinString = await cluster.invite("h7");
    await expect(cluster.joinHost("h7", joinString.slice(0, -5))).rejects.toMatchObject({
      code: "invalid",
    });
    await expect(cluster.joinHost("h7", "hello")).rejects.toMatchObject({ code: "invalid" });
  });
});

describe("a certificate", { timeout: TEST_MS }, () => {
  it("is renewed; the old one counts until the new one was used", async () => {
    const { identity } = cluster.host("h1");
    const before = identity.current;
    const renewed = await renew({
      identity: before,
      dataDirectory: cluster.hostDirectory("h1"),
      timeoutMs: 5_000,
    });
    expect(renewed.certificate).not.toBe(before.certificate);
    await cluster.host("h1").stop();
    await cluster.startHost("h1");
    await cluster.untilOnline();
    const { certificateSerial, previousCertificateSerial } =
      cluster.daemon.coordinator.ledger.view.hostByName("h1") ?? {};
    expect([typeof certificateSerial, previousCertificateSerial]).toStrictEqual([
      "string",
      undefined,
    ]);
    using client = await dial(trustOf(before));
    const link = client.open(DispatchService.session);
    const read = async (): Promise<void> => {
      for await (const _message of link.incoming);
    };
    await expect(read()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("of a host opens no door to the public API", async () => {
    const { current } = cluster.host("h1").identity;
    using client = await dial(trustOf(current));
    await expect(client.unary(AdminService.listHosts, {})).rejects.toMatchObject({
      code: "forbidden",
    });
  });

  it("is needed: without one nothing but enrolling is possible", async () => {
    const { authority } = cluster.host("h1").identity.current;
    using client = await dial({ authority });
    await expect(client.unary(AdminService.listHosts, {})).rejects.toMatchObject({
      code: "unauthenticated",
    });
  });

  it("of another cluster is refused, and its coordinator is not believed", async () => {
    await using other = await RealCluster.start({ hosts: 1 });
    const stranger = other.host("h1").identity.current;
    const { current } = cluster.host("h1").identity;
    await expect(dial(trustOf(stranger))).rejects.toMatchObject({ code: "unreachable" });
    const mixed = { ...trustOf(stranger), authority: current.authority };
    const asked = (async () => {
      using client = await dial(mixed);
      return client.unary(AdminService.listHosts, {});
    })();
    await expect(asked).rejects.toThrow();
  });
});

describe("somebody who does not speak TLS", { timeout: TEST_MS }, () => {
  it.each([
    ["plain HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["HTTP/1", "GET / HTTP/1.1\r\nHost: coordinator\r\n\r\n"],
    ["noise", "\u0000\u0001\u0002 what is this"],
  ])("but %s is told nothing", async (_what, words) => {
    const socket = connectTcp(cluster.port, "127.0.0.1");
    const heard: Buffer[] = [];
    socket.on("data", (data: Buffer) => heard.push(data));
    const ended = new Promise<void>((resolve) => {
      socket.once("close", () => {
        resolve();
      });
      // A reset is as good an answer as a close, which follows it.
      socket.on("error", () => undefined);
    });
    socket.write(words);
    await ended;
    const text = Buffer.concat(heard).toString("latin1");
    expect(text).not.toMatch(/grpc|SETTINGS|muster\.v1/);
    const { hosts } = await cluster.client.unary(AdminService.listHosts, {});
    expect(hosts.length).toBeGreaterThan(0);
  });
});

describe("a host that was removed", { timeout: TEST_MS }, () => {
  it("is out at once: its session ends, and nothing it says is heard (S6)", async () => {
    await using small = await RealCluster.start({ hosts: 2 });
    const { agent, identity } = small.host("h2");
    expect(agent.state.name).toBe("live");
    const request = { host: "h2", forgetVms: false, why: undefined };
    await small.client.unary(AdminService.removeHost, request);
    await until("its session to end", () => agent.state.name !== "live");
    const problem = { code: "unauthenticated" };
    const connectAs = () =>
      connect({ addresses: [small.address], trust: trustOf(identity.current), timeoutMs: 3_000 });
    using client = await connectAs();
    const link = client.open(DispatchService.session);
    const read = async (): Promise<void> => {
      for await (const _message of link.incoming);
    };
    await expect(read()).rejects.toMatchObject(problem);
    const renewal = renew({
      identity: identity.current,
      dataDirectory: small.hostDirectory("h2"),
      timeoutMs: 3_000,
    });
    await expect(renewal).rejects.toMatchObject(problem);
    const { hosts } = await small.client.unary(AdminService.listHosts, {});
    expect(hosts.map(({ name }) => name)).toStrictEqual(["h1"]);
  });
});
