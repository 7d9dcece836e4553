/**
 * Compact reports: whatever a host becomes from report to report, the coordinator reads what the agent saw, and
 * what one side cannot read is refused by name.
 */
import * as pb from "@muster/proto/dispatch";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMusterError } from "../errors.ts";
import type { AgentMessage, CoordinatorMessage } from "../link.ts";
import {
  anyAgentMessage,
  anyCoordinatorMessage,
  anyFullReport,
  anyUint64,
  anyVmObservation,
} from "../testing/index.ts";
import type { VmObservation } from "../vm.ts";
import { agentCodec, coordinatorCodec, type AgentCodec } from "./session-codec.ts";
import { toldUsage } from "./usage-differences.ts";

type FullReport = Extract<AgentMessage, { kind: "full-report" }>;

const welcome = (protocolVersion: number): CoordinatorMessage => ({
  kind: "welcome",
  protocolVersion,
  heartbeatIntervalMs: 5_000,
  fullReportIntervalMs: 60_000,
  sampleIntervalMs: 5_000,
  reconnectSpreadMs: 0,
  leaseMs: 30_000,
  clusterId: "cc000000-0000-4000-8000-000000000000" as never,
});

/** Both ends of a session of that protocol, and the bytes between them. */
function session(protocolVersion: number) {
  const [agent, coordinator] = [agentCodec(), coordinatorCodec()];
  const down = (message: CoordinatorMessage): CoordinatorMessage =>
    agent.decode(
      pb.SessionResponse.decode(pb.SessionResponse.encode(coordinator.encode(message)).finish()),
    );
  const bytesOf = (message: AgentMessage): Uint8Array =>
    pb.SessionRequest.encode(agent.encode(message)).finish();
  const read = (bytes: Uint8Array): AgentMessage =>
    coordinator.decode(pb.SessionRequest.decode(bytes));
  down(welcome(protocolVersion));
  return { down, bytesOf, read, up: (message: AgentMessage) => read(bytesOf(message)) };
}

/** The order of lists means nothing in a report, and small units of use are not told. */
const asTold = (report: AgentMessage): unknown =>
  report.kind !== "full-report"
    ? report
    : {
        ...report,
        vms: new Map(
          report.vms.map(({ usage, ...vm }) => [
            vm.id,
            usage === undefined ? vm : { ...vm, usage: toldUsage(usage) },
          ]),
        ),
        networks: new Map(report.networks.map((network) => [network.name, network])),
      };

const distinctVms = (vms: readonly VmObservation[]): readonly VmObservation[] => [
  ...new Map(vms.map((vm) => [vm.id, vm])).values(),
];

/** Some VMs stay as they are, some come, go or change, some only use more. */
const anyHistory: fc.Arbitrary<readonly FullReport[]> = fc
  .tuple(
    fc.uniqueArray(anyVmObservation, { maxLength: 6, selector: (vm) => vm.id }),
    fc.array(
      fc.tuple(
        anyFullReport,
        fc.array(fc.constantFrom("keep", "keep", "use", "idle", "change", "leave"), {
          minLength: 6,
          maxLength: 6,
        }),
        anyUint64,
        fc.boolean(),
      ),
      { minLength: 1, maxLength: 8 },
    ),
  )
  .map(([start, rounds]) => {
    let vms: readonly VmObservation[] = start;
    let previous: FullReport | undefined;
    return rounds.map(([fresh, fates, amount, isQuiet], round) => {
      vms = distinctVms([
        ...vms.flatMap((vm, index) => fatesOf(vm, fates[index % fates.length] ?? "keep", amount)),
        ...(round % 2 === 0 ? fresh.vms : []),
      ]);
      const base = isQuiet && previous !== undefined ? previous : fresh;
      const report: FullReport = { ...base, vms, sequence: BigInt(round * 3 + 1) };
      previous = report;
      return report;
    });
  });

function fatesOf(vm: VmObservation, fate: string, amount: bigint): readonly VmObservation[] {
  const { usage, ...idle } = vm;
  switch (fate) {
    case "use": {
      const base = usage ?? { ...noUse };
      return [{ ...vm, usage: { ...base, cpuTimeNs: amount, networkTransmitBytes: amount / 3n } }];
    }
    case "idle":
      return [idle];
    case "change":
      return [{ ...vm, state: vm.state === "paused" ? "running" : "paused" }];
    case "leave":
      return [];
    default:
      return [vm];
  }
}

const noUse = {
  cpuTimeNs: 0n,
  residentBytes: 0n,
  diskReadBytes: 0n,
  diskWriteBytes: 0n,
  diskReadRequests: 0n,
  diskWriteRequests: 0n,
  networkReceiveBytes: 0n,
  networkTransmitBytes: 0n,
};

describe("a session of protocol 2", () => {
  it("tells everything the host becomes, report after report", () => {
    fc.assert(
      fc.property(anyHistory, fc.nat({ max: 8 }), (history, forgottenBefore) => {
        const { up, down } = session(2);
        for (const [round, report] of history.entries()) {
          if (round === forgottenBefore) down({ kind: "request-report" });
          expect(asTold(up(report))).toStrictEqual(asTold(report));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("carries all other messages as they are", () => {
    const { up, down } = session(2);
    fc.assert(
      fc.property(anyAgentMessage, anyCoordinatorMessage, (message, answer) => {
        if (message.kind !== "full-report") expect(up(message)).toStrictEqual(message);
        if (answer.kind !== "welcome") expect(down(answer)).toStrictEqual(answer);
      }),
    );
  });

  it("refuses damaged reports as invalid, never with another exception", () => {
    const anyDamage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyHistory, anyDamage, (history, damage) => {
        const { bytesOf, read } = session(2);
        for (const report of history) {
          const bytes = Uint8Array.from(bytesOf(report));
          for (const [position, value] of damage) bytes[position % bytes.length] = value;
          if (isRefused(() => read(bytes))) return;
        }
      }),
      { numRuns: 300 },
    );
  });

  it("does not tell again what has not changed", () => {
    const { bytesOf, up } = session(2);
    const [report] = fc.sample(anyFullReport, { numRuns: 1, seed: 7 });
    if (report === undefined) throw new Error("no sample");
    const quiet = { ...report, runningCommandIds: [] };
    up({ ...quiet, sequence: 1n });
    up({ ...quiet, sequence: 2n });
    expect(bytesOf({ ...quiet, sequence: 3n }).length).toBeLessThan(80);
  });
});

/** True when it was refused as it should be. */
function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    // protobuf's own reader gives up on bytes that are no message; the transport names those.
    if (isMusterError(error)) expect(error.code).toBe("invalid");
    else expect(String(error)).toMatch(/^(RangeError|Error): /);
    return true;
  }
}

describe("a session of protocol 1", () => {
  it("has reports as they were", () => {
    const agent: AgentCodec = agentCodec();
    agent.decode(coordinatorCodec().encode(welcome(1)));
    const [report] = fc.sample(anyFullReport, { numRuns: 1, seed: 7 });
    if (report === undefined) throw new Error("no sample");
    expect(agent.encode(report).message?.$case).toBe("fullReport");
    const { up } = session(1);
    expect(up(report)).toStrictEqual(report);
  });
});

describe("a compact report", () => {
  const vm = { number: 0, vm: undefined };
  const empty = pb.CompactReport.decode(new Uint8Array());
  const usage = pb.UsageDifferences.decode(new Uint8Array());
  it.each([
    [{ ...empty, buildsOn: 9n }, "compactReport.buildsOn: 9 is not 0, the last report"],
    [{ ...empty, removedVms: [3] }, "compactReport.removedVms: there is no VM 3"],
    [{ ...empty, vms: [vm] }, "compactReport.vms[0].vm: is required"],
    [{ ...empty, usage: { ...usage, vms: [5] } }, "compactReport.usage.vms: there is no VM 5"],
    [
      { ...empty, usage: { ...usage, vms: [5], cpuTimeUs: [1n, 2n] } },
      "compactReport.usage.cpuTimeUs: 2 entries for 1 VMs",
    ],
    [empty, "compactReport.inventory: is required"],
  ])("that cannot be read is refused by name", (value, words) => {
    expect(() => coordinatorCodec().decode({ message: { $case: "compactReport", value } })).toThrow(
      words,
    );
  });
});
