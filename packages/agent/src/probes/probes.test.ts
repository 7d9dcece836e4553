import { parseHostId, type NetworkObservation, type ProbeResult } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { describe, expect, it } from "vitest";
import { measurePath, type Echo } from "./measure-path.ts";
import { NetworkProber } from "./network-prober.ts";
import { parsePing, renderPing } from "./ping.ts";
import { probeAddress } from "./probe-address.ts";

const h2 = parseHostId("a0000000-0000-4000-8000-000000000002");
const h3 = parseHostId("a0000000-0000-4000-8000-000000000003");

/** What iputils prints. */
const answered = `PING fe80::2%mpi(fe80::2%mpi) 1452 data bytes
1460 bytes from fe80::2%mpi: icmp_seq=1 ttl=64 time=1.46 ms
1460 bytes from fe80::2%mpi: icmp_seq=2 ttl=64 time=0.723 ms
1460 bytes from fe80::2%mpi: icmp_seq=2 ttl=64 time=0.9 ms (DUP!)
1460 bytes from fe80::2%mpi: icmp_seq=3 ttl=64 time=0.655 ms
`;

describe("ping", () => {
  it("is read: what came back, and the middle of the times", () => {
    expect(parsePing(answered)).toEqual({ received: 3, roundTripUs: 723 });
    expect(parsePing("PING fe80::2%mpi(fe80::2%mpi) 80 data bytes\n")).toEqual({
      received: 0,
      roundTripUs: 0,
    });
  });

  it("sends packets of the size that is asked for, whole", () => {
    const argv = renderPing({ address: "fe80::2", device: "mpi", packetBytes: 1500, count: 3 });
    expect(argv.slice(-3)).toEqual(["-s", "1452", "fe80::2%mpi"]);
    expect(argv.join(" ")).toContain("-M do");
  });
});

describe("probe addresses", () => {
  it("are link-local, not made of a card's, and differ from host to host", () => {
    expect(probeAddress(h2)).toMatch(/^fe80::[0-9a-f:]+$/);
    expect(Number.parseInt(probeAddress(h2).split(":")[2] ?? "", 16) & 0x0200).toBe(0);
    expect(probeAddress(h2)).toBe(probeAddress(h2));
    expect(probeAddress(h2)).not.toBe(probeAddress(h3));
  });
});

/** A path that carries packets up to a size, and how often it was asked. */
function path(carries: number): { readonly echo: Echo; readonly asked: number[] } {
  const asked: number[] = [];
  const echo: Echo = async (packetBytes, count) => {
    asked.push(packetBytes);
    return packetBytes <= carries
      ? { received: count, roundTripUs: 500 }
      : { received: 0, roundTripUs: 0 };
  };
  return { echo, asked };
}

describe("measuring a path", () => {
  it("takes one question where it is well", async () => {
    const { echo, asked } = path(1500);
    const measure = { sent: 3, received: 3, mtuBytes: 1500, roundTripUs: 500 };
    expect(await measurePath(1500, echo)).toEqual(measure);
    expect(asked).toEqual([1500]);
  });

  it("says that nothing comes back", async () => {
    const measure = { sent: 3, received: 0, mtuBytes: 0, roundTripUs: 0 };
    expect(await measurePath(1500, path(0).echo)).toEqual(measure);
  });

  it.each([1280, 1400, 1450, 1492, 8000])(
    "finds what a path of %i bytes carries",
    async (bytes) => {
      const { mtuBytes, received } = await measurePath(9000, path(bytes).echo);
      expect(received).toBe(3);
      expect(mtuBytes).toBeLessThanOrEqual(bytes);
      expect(mtuBytes).toBeGreaterThan(bytes - 64);
    },
  );

  it("is not misled by a host that was busy for a moment", async () => {
    let questions = 0;
    const echo: Echo = async (_bytes, count) => {
      questions += 1;
      return questions === 1
        ? { received: 0, roundTripUs: 0 }
        : { received: count, roundTripUs: 900 };
    };
    expect(await measurePath(1500, echo)).toMatchObject({ received: 3, mtuBytes: 1500 });
  });
});

describe("the rounds of probes", () => {
  const blue = aNetwork({ name: "blue", vlan: 10 });
  const good: ProbeResult = {
    ...{ network: "blue", peer: h2, sent: 3, received: 3 },
    ...{ mtuBytes: 1500, roundTripUs: 400 },
  };

  function prober(answers: readonly ProbeResult[]) {
    const sent: (readonly ProbeResult[])[] = [];
    const asked: string[] = [];
    const state = { answers, isHeard: true, ready: true };
    const observed = (): readonly NetworkObservation[] => [
      {
        ...{ name: "blue", message: "", vlan: 10, driver: "simulated", bridge: "br0" },
        ...{ state: state.ready ? "ready" : "failed", wanted: "", found: "", carries: [] },
      },
    ];
    const subject = new NetworkProber({
      periodMs: 30_000,
      prober: {
        round: async (targets) => {
          asked.push(
            targets.map(({ network, peers }) => `${network.name}:${String(peers.length)}`).join(),
          );
          return state.answers;
        },
      },
      assigned: () => ({
        revision: 1n,
        networks: [blue],
        vms: [],
        probes: [
          { networks: ["blue", "gone"], peers: [{ hostId: h2, host: "h2" }] },
          { networks: ["blue"], peers: [{ hostId: h3, host: "h3" }] },
        ],
      }),
      network: (name) => (name === "blue" ? blue : undefined),
      observed,
      isHeard: () => state.isHeard,
      send: ({ results }) => sent.push(results),
    });
    const round = (): Promise<void> => subject.reconcile(new AbortController().signal);
    return { subject, sent, asked, state, round };
  }

  it("ask the assigned hosts, on networks that are ready here", async () => {
    const { round, asked, state } = prober([good]);
    await round();
    state.ready = false;
    await round();
    expect(asked).toEqual(["blue:2", ""]);
  });

  it("tell what changed at once, and the same again only now and then", async () => {
    const { round, sent, state } = prober([good]);
    await round();
    state.answers = [{ ...good, roundTripUs: 900 }];
    await round();
    expect(sent.length).toBe(1);
    state.answers = [{ ...good, received: 0, mtuBytes: 0 }];
    await round();
    expect(sent.length).toBe(2);
    for (let count = 0; count < 10; count += 1) await round();
    expect(sent.length).toBe(3);
  });

  it("tell everything in a new session, and nothing without one", async () => {
    const { subject, round, sent, state } = prober([good]);
    await round();
    state.isHeard = false;
    subject.sessionOpened();
    await round();
    expect(sent.length).toBe(1);
    state.isHeard = true;
    await round();
    expect(sent.length).toBe(2);
  });

  it("come sooner while something is lost", async () => {
    const { subject, round, state } = prober([good]);
    await round();
    expect(subject.periodMs).toBe(30_000);
    expect(subject.paths).toEqual([{ network: "blue", good: 1, bad: 0 }]);
    state.answers = [{ ...good, mtuBytes: 1400 }];
    await round();
    expect(subject.periodMs).toBe(5_000);
    expect(subject.paths).toEqual([{ network: "blue", good: 0, bad: 1 }]);
  });
});
