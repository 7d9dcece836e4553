/** A daemon that dies, and one that stands still. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, reconnecting } from "../src/index.ts";
import { reasonOf } from "./contract.ts";
import { PrivateLibvirtd, whyNoLibvirtd } from "./private-libvirtd.ts";

const missing = whyNoLibvirtd();
if (missing !== null) console.warn(`SKIPPED against real libvirt: ${missing}`);

describe.skipIf(missing !== null)("a daemon", () => {
  let daemon: PrivateLibvirtd;
  beforeAll(async () => {
    daemon = await PrivateLibvirtd.start();
  });
  afterAll(() => daemon[Symbol.asyncDispose]());
  const target = () => ({ socketPath: daemon.socketPath, uri: "test:///default" });

  it("that is killed is noticed at once, and the link comes back when it does", async () => {
    const backoff = { minMs: 10, maxMs: 50 };
    await using link = reconnecting(target(), { domainEvents: ["lifecycle"], backoff });
    const items = link.events();
    const kinds: string[] = [];
    const next = async () => {
      const { value } = await items.next();
      if (value) kinds.push(value.kind);
      return value;
    };
    await next();
    const hypervisor = await link.ready();
    const domain = await hypervisor.domainLookupByName("test");
    process.kill(daemon.daemonPid(), "SIGKILL");
    expect(await reasonOf(domain.getState())).toMatchObject({ name: "ConnectionLostError" });
    await next();
    await daemon.restart();
    await next();
    const again = await link.ready();
    expect(again).not.toBe(hypervisor);
    await (await again.domainLookupByName("test")).suspend();
    expect(await next()).toMatchObject({ kind: "lifecycle", event: "suspended" });
    expect(kinds).toEqual(["gap", "lost", "gap", "lifecycle"]);
  });

  it("that stands still is noticed by keepalive, and calls by their deadlines", async () => {
    const keepalive = { intervalMs: 100, count: 3 };
    const hypervisor = await connect(target(), { keepalive });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(hypervisor.isOpen).toBe(true);
    const pid = daemon.daemonPid();
    process.kill(pid, "SIGSTOP");
    const late = await reasonOf(hypervisor.getHostname({ timeoutMs: 50 }));
    expect(late).toMatchObject({ name: "CallTimeoutError", sent: true });
    expect((await hypervisor.closed).message).toContain("keepalive");
    process.kill(pid, "SIGCONT");
  });

  it("answers while other calls of the same client hang in it", async () => {
    await using hypervisor = await connect(target());
    const controller = new AbortController();
    const calls = Array.from({ length: 40 }, () =>
      reasonOf(hypervisor.getCapabilities({ signal: controller.signal })),
    );
    controller.abort(new Error("enough"));
    const reasons = (await Promise.all(calls)) as Error[];
    expect(reasons.every((reason) => reason.message === "enough")).toBe(true);
    expect((await hypervisor.nodeGetInfo()).cpus).toBeGreaterThan(0);
  });
});
