import { MusterError, type AgentMessage, type CoordinatorMessage } from "@muster/model";
import { Mailbox, SimulatedClock, type Link } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Observations } from "../observations/observations.ts";
import {
  aHello,
  aHost,
  aNetwork,
  aReport,
  aVm,
  clusterId,
  hostIdOf,
  onHost,
  seen,
  viewOf,
} from "../testing/builders.ts";
import { Commands } from "./commands.ts";
import { splice, type Bytes } from "./consoles.ts";
import { HostSession } from "./host-session.ts";
import { SilenceWatch } from "./silence-watch.ts";

const h1 = hostIdOf(1);

function setting() {
  const clock = new SimulatedClock();
  const observations = new Observations(clock);
  const view = viewOf(["host", aHost(1)], ["vm", aVm(1, { placement: onHost(1) })]);
  const incoming = new Mailbox<AgentMessage>(1_000);
  const told: CoordinatorMessage[] = [];
  const closed: string[] = [];
  const session = new HostSession({
    hostId: h1,
    clusterId,
    link: {
      incoming,
      send: (message) => {
        told.push(message);
      },
      close: (error) => {
        closed.push(error?.message ?? "");
        incoming.end(error);
      },
    },
    clock,
    times: { heartbeatIntervalMs: 1_000, fullReportIntervalMs: 60_000, sampleIntervalMs: 5_000 },
    view,
    observations,
    commands: new Commands({ clock, isWanted: () => false }),
    silence: new SilenceWatch(clock, 1_000),
    contexts: {
      seedFor: (_hostId, vmId) => ({ kind: "seed", vmId, label: "cidata", files: [] }),
      report: async (_hostId, { stages }) => stages.at(-1)?.number,
    },
    leases: { leaseMs: 30_000, grant: async () => true },
    sources: { attemptOf: () => 1, probesOf: () => [] },
    onOpen: () => undefined,
    onReport: () => undefined,
  });
  const ended = session.run().then(
    () => "ended",
    (error: unknown) => (error as MusterError).code,
  );
  return { clock, observations, view, incoming, told, closed, session, ended };
}

describe("an agent's session", () => {
  it("is welcomed with all that the host should have, then told what changes", async () => {
    const { clock, view, incoming, told, session } = setting();
    incoming.put(aHello);
    await clock.settle();
    expect(told.map(({ kind }) => kind)).toStrictEqual(["welcome", "assignments"]);
    expect(told[1]).toMatchObject({ appliesTo: 0n, resultsIn: 1n, vms: [{ id: aVm(1).id }] });
    session.refreshAssignments();
    expect(told).toHaveLength(2);
    view.put("network", aNetwork("blue"));
    session.refreshAssignments();
    expect(told[2]).toMatchObject({ appliesTo: 1n, resultsIn: 2n, vms: [] });
    view.put("network", aNetwork("blue", { removing: true }));
    session.refreshAssignments();
    expect(told[3]).toMatchObject({ appliesTo: 2n, removedNetworks: ["blue"] });
    incoming.end();
  });

  it.each([
    ["begins without a hello", [aReport([])], "invalid"],
    ["says hello twice", [aHello, aHello], "invalid"],
    ["speaks another protocol", [{ ...aHello, protocolVersions: [98, 99] }], "version-mismatch"],
  ] as const)("breaks when the agent %s", async (_what, messages, code) => {
    const { clock, incoming, ended } = setting();
    for (const message of messages) incoming.put(message);
    await clock.settle();
    expect(await ended).toBe(code);
  });

  it.each([
    [[1], 1],
    [[1, 2], 2],
    [[1, 2, 3], 3],
    [[2, 4], 2],
  ])("of an agent that speaks %j uses protocol %i", async (protocolVersions, protocolVersion) => {
    const { clock, incoming, told } = setting();
    incoming.put({ ...aHello, protocolVersions });
    await clock.settle();
    expect(told[0]).toMatchObject({ kind: "welcome", protocolVersion });
    incoming.end();
  });

  it("answers heartbeats that want it", async () => {
    const { clock, incoming, told } = setting();
    incoming.put(aHello);
    const heartbeat = { kind: "heartbeat", sequence: 0n, libvirtAlive: true } as const;
    incoming.put({ ...heartbeat, number: 0 });
    incoming.put({ ...heartbeat, number: 41 });
    await clock.settle();
    expect(told.slice(2)).toStrictEqual([{ kind: "heartbeat-answer", number: 41 }]);
    incoming.end();
  });

  it("asks for everything when a report was lost", async () => {
    const { clock, incoming, told } = setting();
    incoming.put(aHello);
    incoming.put(aReport([]));
    const delta = { kind: "delta-report", vms: [], removedVms: [], networks: [] } as const;
    incoming.put({ ...delta, sequence: 3n });
    await clock.settle();
    expect(told.at(-1)).toStrictEqual({ kind: "request-report" });
    incoming.end();
  });

  it("ends within three beats when the agent falls silent", async () => {
    const { clock, incoming, closed, ended } = setting();
    incoming.put(aHello);
    await clock.runFor(2_000);
    incoming.put({ kind: "heartbeat", sequence: 0n, libvirtAlive: true, number: 1 });
    await clock.runFor(2_900);
    expect(closed).toStrictEqual([]);
    await clock.runFor(100);
    expect(closed[0]).toMatch(/^the agent has been silent for \d\.\d s$/);
    expect(await ended).toBe("timeout");
  });

  it("that was closed hears nothing more, not even what had arrived", async () => {
    const { clock, observations, incoming, session, ended } = setting();
    incoming.put(aHello);
    await clock.settle();
    incoming.put(aReport([seen(1)]));
    session.close(new MusterError("wrong-state", "another agent connected"));
    await clock.settle();
    expect(observations.get(h1)?.reported).toBe(false);
    await ended;
  });
});

describe("a console", () => {
  const end = () => {
    const incoming = new Mailbox<Bytes>(100);
    const sent: string[] = [];
    let isClosed = false;
    const link: Link<Bytes, Bytes> = {
      incoming,
      send: ({ data }) => {
        sent.push(Buffer.from(data).toString("utf8"));
      },
      close: () => {
        isClosed = true;
        incoming.end();
      },
    };
    return { link, incoming, sent, isClosed: () => isClosed };
  };
  const bytes = (text: string): Bytes => ({ data: Buffer.from(text) });

  it("carries bytes both ways until one side ends", async () => {
    const [person, guest] = [end(), end()];
    person.incoming.put(bytes("ls\n"));
    guest.incoming.put(bytes("login: "));
    const joined = splice(person.link, guest.link);
    await new SimulatedClock().settle();
    guest.incoming.end();
    await joined;
    expect([person.sent, guest.sent]).toStrictEqual([["login: "], ["ls\n"]]);
    expect([person.isClosed(), guest.isClosed()]).toStrictEqual([true, true]);
  });

  it("is closed on the host when the person's connection breaks", async () => {
    const [person, guest] = [end(), end()];
    const joined = splice(person.link, guest.link);
    person.incoming.end(new MusterError("unreachable", "the connection broke"));
    await expect(joined).rejects.toMatchObject({ code: "unreachable" });
    expect(guest.isClosed()).toBe(true);
  });
});
