import { describe, expect, it } from "vitest";
import { connect, type ConnectOptions } from "./connect.ts";
import { CallTimeoutError, ConnectionLostError, ProtocolError } from "./errors.ts";
import { FakeLibvirtError, FakeServer } from "./testing/fake-server.ts";

const uuid = "00000000-0000-4000-8000-000000000001";
const dom = { name: "one", uuid, id: -1 };
const never = () => new Promise<never>(() => undefined);

/** A client of a fake daemon; one connection unless the test is about more. */
async function start(options: ConnectOptions = {}) {
  const server = new FakeServer();
  server.answer("domainLookupByName", ({ name }) => ({ dom: { ...dom, name } }));
  server.answer("nodeGetFreeMemory", () => ({ freeMem: 7n }));
  const limits = { keepalive: false as const, maxConnections: 1, ...options };
  const hypervisor = await connect({ dial: () => server.dial() }, limits);
  return { server, hypervisor };
}

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("connection", () => {
  it("answers calls by serial, in whatever order they come", async () => {
    const { server, hypervisor } = await start();
    const first = Promise.withResolvers<{ dom: typeof dom }>();
    server.answer("domainLookupByName", ({ name }) =>
      name === "slow" ? first.promise : { dom: { ...dom, name } },
    );
    const slow = hypervisor.domainLookupByName("slow");
    expect((await hypervisor.domainLookupByName("quick")).name).toBe("quick");
    first.resolve({ dom: { ...dom, name: "slow" } });
    expect((await slow).name).toBe("slow");
  });

  it("gives libvirt's errors by name and number", async () => {
    const { server, hypervisor } = await start();
    server.answer("domainLookupByName", () => {
      throw new FakeLibvirtError("no such domain", { code: 42, domain: 10 });
    });
    expect(await reasonOf(hypervisor.domainLookupByName("x"))).toMatchObject({
      name: "LibvirtError",
      message: "no such domain",
      code: "noDomain",
      codeNumber: 42,
      domain: "qemu",
      domainNumber: 10,
      level: "error",
      procedure: "domainLookupByName",
    });
  });

  it("shows in an error's stack who made the call", async () => {
    const { server, hypervisor } = await start();
    server.answer("domainLookupByName", () => {
      throw new FakeLibvirtError("no such domain", { code: 42 });
    });
    async function lookUpSomething() {
      return await hypervisor.domainLookupByName("x");
    }
    const error = (await reasonOf(lookUpSomething())) as Error;
    expect(error.stack).toContain("lookUpSomething");
  });

  it("keeps at most four calls in flight and one of them free for urgent ones", async () => {
    const { server, hypervisor } = await start();
    const waiting: (() => void)[] = [];
    server.answer("domainGetInfo", async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { state: 1, maxMem: 1n, memory: 1n, nrVirtCpu: 1, cpuTime: 1n };
    });
    const domain = await hypervisor.domainLookupByName("one");
    const infos = Array.from({ length: 6 }, () => domain.getInfo());
    await expect.poll(() => waiting.length).toBe(3);
    expect(await hypervisor.nodeGetFreeMemory()).toBe(7n);
    expect(waiting).toHaveLength(3);
    while (waiting.length > 0 || server.received.filter((n) => n === "domainGetInfo").length < 6) {
      waiting.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    waiting.shift()?.();
    expect(await Promise.all(infos)).toHaveLength(6);
  });

  it("opens another connection while every slot is stuck", async () => {
    const { server, hypervisor } = await start({ maxConnections: 3 });
    let stuck = 0;
    server.answer("domainGetInfo", () => (stuck++, never()));
    server.answer("domainGetXmlDesc", () => ({ xml: "<domain/>" }));
    const domain = await hypervisor.domainLookupByName("one");
    for (let i = 0; i < 6; i++) void reasonOf(domain.getInfo());
    expect(await domain.getXmlDesc()).toBe("<domain/>");
    expect(stuck).toBe(6);
    expect(server.connections).toHaveLength(2);
    await hypervisor.close();
  });

  it("never sends a call that was aborted while it waited", async () => {
    const { server, hypervisor } = await start();
    server.answer("domainGetInfo", never);
    const domain = await hypervisor.domainLookupByName("one");
    for (let i = 0; i < 3; i++) void reasonOf(domain.getInfo());
    const controller = new AbortController();
    const aborted = reasonOf(domain.getXmlDesc({ signal: controller.signal }));
    const why = new Error("enough");
    controller.abort(why);
    expect(await aborted).toBe(why);
    expect(server.received).not.toContain("domainGetXmlDesc");
    await hypervisor.close();
  });

  it("stops waiting at the deadline but keeps the slot until the answer", async () => {
    const { server, hypervisor } = await start();
    const answers: (() => void)[] = [];
    server.answer("domainGetInfo", async () => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return { state: 1, maxMem: 1n, memory: 1n, nrVirtCpu: 1, cpuTime: 1n };
    });
    const domain = await hypervisor.domainLookupByName("one");
    const reasons = await Promise.all(
      Array.from({ length: 3 }, () => reasonOf(domain.getInfo({ timeoutMs: 10 }))),
    );
    expect(reasons[0]).toBeInstanceOf(CallTimeoutError);
    expect(reasons[0]).toMatchObject({ sent: true, timeoutMs: 10, procedure: "domainGetInfo" });
    const late = domain.getInfo();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(answers).toHaveLength(3);
    answers[0]?.();
    await expect.poll(() => answers.length).toBe(4);
    answers[3]?.();
    expect((await late).state).toBe("running");
  });

  it("tells every waiter whether its call had been sent when the daemon dies", async () => {
    const { server, hypervisor } = await start();
    server.answer("domainGetInfo", never);
    const domain = await hypervisor.domainLookupByName("one");
    const calls = Array.from({ length: 5 }, () => reasonOf(domain.getInfo()));
    await expect.poll(() => server.received.filter((n) => n === "domainGetInfo").length).toBe(3);
    server.connections[0]?.destroy();
    const reasons = (await Promise.all(calls)) as ConnectionLostError[];
    expect(reasons.every((reason) => reason instanceof ConnectionLostError)).toBe(true);
    expect(reasons.map(({ sent }) => sent)).toEqual([true, true, true, false, false]);
    expect(hypervisor.isOpen).toBe(false);
    expect(await reasonOf(hypervisor.getHostname())).toMatchObject({ sent: false });
  });

  it("answers pings and notices a daemon that does not", async () => {
    const keepalive = { intervalMs: 5, count: 2 };
    const { server, hypervisor } = await start({ keepalive });
    const [connection] = server.connections;
    await expect.poll(() => connection?.packets.length ?? 0).toBeGreaterThan(2);
    expect(hypervisor.isOpen).toBe(true);
    if (connection) connection.answersKeepalive = false;
    expect((await hypervisor.closed).message).toContain("keepalive");
  });

  it("closes the connection on bytes that are not the protocol", async () => {
    const { server, hypervisor } = await start();
    server.answer("domainGetInfo", never);
    const domain = await hypervisor.domainLookupByName("one");
    const call = reasonOf(domain.getInfo());
    server.connections[0]?.sendRaw(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await call).toBeInstanceOf(ProtocolError);
    expect(hypervisor.isOpen).toBe(false);
  });

  it("says goodbye when closed and refuses calls afterwards", async () => {
    const { server, hypervisor } = await start();
    await hypervisor.close();
    expect(server.received).toContain("connectClose");
    expect(await reasonOf(hypervisor.getHostname())).toBeInstanceOf(ConnectionLostError);
  });
});
