import { MusterError, type AgentMessage, type VmAssignment, type VmId } from "@muster/model";
import { Mailbox, SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
import { keptLog, vmIdOf } from "../testing/agent-setting.ts";
import { Guests } from "./guests.ts";

const vmId = vmIdOf(1);
const LINE = "MUSTER1 1 individual running 0 -";
const LAST = "MUSTER1 2 individual done 0 -";

const assignment = (listen: boolean): VmAssignment => ({
  id: vmId,
  name: "web-1",
  generation: 1,
  nics: [],
  ...(listen ? { listen: true as const } : {}),
});

/** A hypervisor of one VM whose channel is ours to speak on. */
function setting() {
  const channel = new Mailbox<Uint8Array>(100);
  const written: string[] = [];
  const sent: AgentMessage[] = [];
  let listen = true;
  let opened = 0;
  const stream = {
    output: channel,
    write: async (data: Uint8Array) => {
      written.push(Buffer.from(data).toString("utf8"));
    },
    close: async () => {
      channel.end();
    },
  };
  const hypervisor = {
    watch: { observe: async () => ({ state: "running", migrating: false }) },
    seeds: {
      openReports: async () => {
        opened += 1;
        return stream;
      },
    },
  } as Partial<Record<keyof Hypervisor, object>> as Hypervisor;
  const clock = new SimulatedClock();
  const guests = new Guests({
    hypervisor,
    assigned: () => ({ revision: 1n, networks: [], vms: [assignment(listen)] }),
    send: (message) => {
      sent.push(message);
    },
    clock,
    log: keptLog().log,
  });
  const say = async (text: string): Promise<void> => {
    channel.put(Buffer.from(text));
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  const stopListening = (): void => {
    listen = false;
  };
  return { guests, channel, written, sent, say, stopListening, opened: () => opened };
}

describe("a guest that reports", () => {
  it("is greeted, heard line by line, and told when it is recorded", async () => {
    const { guests, written, sent, say } = setting();
    await guests.reports.reconcile();
    expect(written).toStrictEqual(["hello\n"]);
    await say(`\n${LINE.slice(0, 9)}`);
    expect(sent).toStrictEqual([]);
    await say(`${LINE.slice(9)}\ngarbage\n`);
    expect(sent).toMatchObject([{ kind: "guest-report", vmId, stages: [{ number: 1 }] }]);
    await guests.received({ kind: "guest-report-recorded", vmId, number: 1 });
    expect(written).toStrictEqual(["hello\n", "ok 1\n"]);
  });

  it("is told of again when a session opens before it was recorded", async () => {
    const { guests, sent, say } = setting();
    await guests.reports.reconcile();
    await say(`${LINE}\n`);
    guests.sessionOpened();
    expect(sent).toHaveLength(2);
    await guests.received({ kind: "guest-report-recorded", vmId, number: 1 });
    guests.sessionOpened();
    expect(sent).toHaveLength(2);
  });

  it("cannot flood the coordinator with what it has said", async () => {
    const { guests, sent, say } = setting();
    await guests.reports.reconcile();
    for (let round = 0; round < 50; round += 1) await say(`${LINE}\n`);
    expect(sent).toHaveLength(1);
  });

  it("is let go only when all it said is recorded", async () => {
    const { guests, channel, say, stopListening } = setting();
    await guests.reports.reconcile();
    await say(`${LINE}\n${LAST}\n`);
    stopListening();
    await guests.reports.reconcile();
    expect(channel.put(Buffer.from("\n"))).toBe(true);
    await guests.received({ kind: "guest-report-recorded", vmId, number: 2 });
    await guests.reports.reconcile();
    expect(channel.put(Buffer.from("\n"))).toBe(false);
  });
});

describe("what is in a seed", () => {
  const contents = (error?: MusterError) => ({
    ...{ kind: "seed" as const, vmId, label: "cidata", files: [] },
    ...(error === undefined
      ? {}
      : { error: { code: error.code, message: error.message, cause: "", hint: "", reasons: [] } }),
  });
  const ask = (id: VmId = vmId) => {
    const { guests, sent } = setting();
    const stop = new AbortController();
    return { guests, sent, stop, answer: guests.seeds.fetch(id, stop.signal) };
  };

  it("is asked for again when a session opens", async () => {
    const { guests, sent, answer } = ask();
    guests.sessionOpened();
    expect(sent).toStrictEqual([
      { kind: "seed-request", vmId },
      { kind: "seed-request", vmId },
    ]);
    await guests.received(contents());
    expect((await answer).label).toBe("cidata");
    guests.sessionOpened();
    expect(sent).toHaveLength(2);
  });

  it("may be refused", async () => {
    const { guests, answer } = ask();
    await guests.received(contents(new MusterError("forbidden", "not on this host")));
    await expect(answer).rejects.toThrow("not on this host");
  });

  it("is no longer waited for when the command is cancelled", async () => {
    const { guests, sent, stop, answer } = ask();
    stop.abort(new MusterError("cancelled", "cancelled"));
    await expect(answer).rejects.toThrow("cancelled");
    guests.sessionOpened();
    expect(sent).toHaveLength(1);
  });
});
