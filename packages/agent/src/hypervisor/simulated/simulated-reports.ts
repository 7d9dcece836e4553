/**
 * A simulated guest with a context: it tells of its first boot as the script in a real one does, everything again after a
 * "hello" or when nobody answers, until the last line is recorded.
 */
import { MusterError, type VmId } from "@muster/model";
import { Mailbox, type Clock } from "@muster/runtime";
import type { ConsoleStream } from "../hypervisor.ts";
import type { LiveDomain } from "./simulated-domain.ts";
import type { SimulatedHost } from "./simulated-host.ts";

/** What a guest says, and how long it has run by then. */
export interface FirstBootLine {
  readonly atMs: number;
  readonly text: string;
}

export const ordinaryFirstBoot: readonly FirstBootLine[] = [
  { atMs: 1_000, text: "MUSTER1 1 individual running 0 -" },
  { atMs: 4_000, text: "MUSTER1 2 individual done 0 -" },
  { atMs: 4_100, text: "MUSTER1 3 central running 0 -" },
  { atMs: 8_000, text: "MUSTER1 4 central done 0 -" },
];

const CHUNKS_WAITING_MAX = 1_000;
const LOOK_MS = 500;

export function openSimulatedReports(parts: {
  readonly clock: Clock;
  readonly host: SimulatedHost;
  readonly vmId: VmId;
  readonly closed: AbortSignal;
  readonly lines: readonly FirstBootLine[];
}): ConsoleStream {
  const { host, vmId } = parts;
  const live = host.domains.get(vmId)?.live;
  if (live === undefined || live.incoming) {
    const code = host.domains.has(vmId) ? "wrong-state" : "not-found";
    throw new MusterError(code, `vm ${vmId} does not run on host ${host.name}`);
  }
  const output = new Mailbox<Uint8Array>(CHUNKS_WAITING_MAX);
  const ended = new AbortController();
  const heard = { isAgain: true };
  const end = (): void => {
    ended.abort(new MusterError("cancelled", "the channel was closed"));
    output.end();
  };
  const signal = AbortSignal.any([ended.signal, parts.closed]);
  void speak({ ...parts, live, output, signal, heard }).finally(end);
  return {
    output,
    async write(data) {
      const text = Buffer.from(data).toString("utf8");
      if (text.startsWith("hello")) heard.isAgain = true;
    },
    async close() {
      end();
    },
  };
}

async function speak(parts: {
  readonly clock: Clock;
  readonly host: SimulatedHost;
  readonly vmId: VmId;
  readonly live: LiveDomain;
  readonly output: Mailbox<Uint8Array>;
  readonly signal: AbortSignal;
  readonly heard: { isAgain: boolean };
  readonly lines: readonly FirstBootLine[];
}): Promise<void> {
  const { live, heard, output, lines, signal } = parts;
  let said = 0;
  while (!signal.aborted && parts.host.domains.get(parts.vmId)?.live === live) {
    const known = lines.filter(({ atMs }) => atMs <= live.guest.ranMs);
    if (known.length > 0 && (heard.isAgain || known.length > said)) {
      heard.isAgain = false;
      said = known.length;
      output.put(Buffer.from(`\n${known.map(({ text }) => text).join("\n")}\n`));
    }
    try {
      await parts.clock.sleep(LOOK_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }
}
