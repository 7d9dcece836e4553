import { describe, expect, it } from "vitest";
import { connect } from "../connect.ts";
import { ConnectionLostError, EventOverflowError } from "../errors.ts";
import { reconnecting } from "../reconnecting.ts";
import { FakeLibvirtError, FakeServer, type FakeConnection } from "../testing/fake-server.ts";

const dom = { name: "one", uuid: "00000000-0000-4000-8000-000000000001", id: 1 };
const lifecycle = (callbackID: number, event: number, detail = 0) => ({
  callbackID,
  msg: { dom, event, detail },
});

/** A daemon that gives callback ids from 10 on. */
function eventServer(): FakeServer {
  let next = 10;
  return new FakeServer()
    .answer("connectDomainEventCallbackRegisterAny", () => ({ callbackID: next++ }))
    .answer("connectDomainEventCallbackDeregisterAny", () => ({}));
}

async function start(server = eventServer()) {
  const target = { dial: () => server.dial() };
  const hypervisor = await connect(target, { keepalive: false, maxConnections: 1 });
  const [connection] = server.connections as [FakeConnection];
  return { server, hypervisor, connection };
}

describe("events", () => {
  it("come in order, by name, to the subscription they are for", async () => {
    const { hypervisor, connection } = await start();
    const events = await hypervisor.domainEvents(["lifecycle", "agentLifecycle"]);
    connection.emit("domainEventCallbackLifecycle", lifecycle(10, 2));
    connection.emit("domainEventCallbackLifecycle", lifecycle(99, 5));
    connection.emit("domainEventCallbackAgentLifecycle", {
      callbackID: 11,
      dom,
      state: 1,
      reason: 2,
    });
    connection.emit("domainEventCallbackLifecycle", lifecycle(10, 77, 5));
    const seen = [];
    for (let i = 0; i < 3; i++) seen.push((await events.next()).value);
    expect(seen).toMatchObject([
      { kind: "lifecycle", event: "started", detail: "booted", domain: { name: "one" } },
      { kind: "agentLifecycle", state: "connected", reason: "channel" },
      { kind: "lifecycle", event: "unknown", detail: "unknown" },
    ]);
    await hypervisor.close();
  });

  it("that come before their callback id is known are not missed", async () => {
    const server = eventServer();
    server.answer("connectDomainEventCallbackRegisterAny", (_, connection) => {
      connection.emit("domainEventCallbackLifecycle", lifecycle(42, 3));
      return { callbackID: 42 };
    });
    const { hypervisor } = await start(server);
    const events = await hypervisor.domainEvents("lifecycle");
    expect((await events.next()).value).toMatchObject({ event: "suspended" });
    await hypervisor.close();
  });

  it("are deregistered when the loop is left", async () => {
    const { server, hypervisor, connection } = await start();
    const events = await hypervisor.domainEvents("lifecycle");
    connection.emit("domainEventCallbackLifecycle", lifecycle(10, 2));
    for await (const event of events) {
      expect(event.event).toBe("started");
      break;
    }
    expect(server.received).toContain("connectDomainEventCallbackDeregisterAny");
    expect((await events.next()).done).toBe(true);
    await hypervisor.close();
  });

  it("fail rather than pile up when nobody reads them", async () => {
    const { hypervisor, connection } = await start();
    const events = await hypervisor.domainEvents("lifecycle", { bufferSize: 3 });
    for (let i = 0; i < 5; i++) connection.emit("domainEventCallbackLifecycle", lifecycle(10, 2));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(events.next()).rejects.toBeInstanceOf(EventOverflowError);
    await hypervisor.close();
  });

  it("end with the connection, after what had come", async () => {
    const { hypervisor, connection } = await start();
    const events = await hypervisor.domainEvents("lifecycle");
    connection.emit("domainEventCallbackLifecycle", lifecycle(10, 2));
    await new Promise((resolve) => setTimeout(resolve, 5));
    connection.destroy();
    expect((await events.next()).value).toMatchObject({ event: "started" });
    await expect(events.next()).rejects.toBeInstanceOf(ConnectionLostError);
  });

  it("leave out kinds that an older daemon lacks only if all were asked for", async () => {
    const server = eventServer();
    server.answer("connectDomainEventCallbackRegisterAny", ({ eventID }) => {
      if (eventID <= 20) return { callbackID: eventID };
      const message = `internal error: unsupported event ID ${eventID}`;
      throw new FakeLibvirtError(message, { code: 1 });
    });
    const { hypervisor } = await start(server);
    await (await hypervisor.domainEvents("all")).close();
    await expect(hypervisor.domainEvents("nicMacChange")).rejects.toThrow(
      "unsupported event ID 27",
    );
    await hypervisor.close();
  });
});

describe("a reconnecting link", () => {
  it("comes back, registers again and says where the gap is", async () => {
    const server = eventServer();
    let refusals = 0;
    const target = {
      dial: () => {
        if (refusals-- > 0) return Promise.reject(new Error("connection refused"));
        return server.dial();
      },
    };
    const options = {
      domainEvents: ["lifecycle"],
      backoff: { minMs: 1, maxMs: 4 },
      keepalive: false,
    } as const;
    await using link = reconnecting(target, options);
    const items = link.events();
    const next = async () => (await items.next()).value;
    expect(await next()).toMatchObject({ kind: "gap", reason: null });
    expect(link.state).toBe("open");
    server.connections[0]?.emit("domainEventCallbackLifecycle", lifecycle(10, 2));
    expect(await next()).toMatchObject({ kind: "lifecycle", event: "started" });
    refusals = 3;
    server.connections[0]?.destroy();
    expect(await next()).toMatchObject({ kind: "lost" });
    expect(link.state).toBe("connecting");
    expect(link.current).toBeNull();
    await link.ready();
    expect(await next()).toMatchObject({ kind: "gap", reason: { message: "connection refused" } });
    server.connections.at(-1)?.emit("domainEventCallbackLifecycle", lifecycle(11, 5));
    expect(await next()).toMatchObject({ kind: "lifecycle", event: "stopped" });
    await link.close();
    expect(link.state).toBe("closed");
    expect(await next()).toMatchObject({ kind: "lost" });
    expect((await items.next()).done).toBe(true);
    await expect(link.ready()).rejects.toThrow("closed");
  });
});
