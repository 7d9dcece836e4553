/** The serial console of a simulated guest: a line a second, as the lab's guest prints, and an echo. */
import { MusterError, type VmId } from "@muster/model";
import { Mailbox, type Clock } from "@muster/runtime";
import type { ConsoleStream } from "../hypervisor.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { LiveDomain } from "./simulated-domain.ts";

/** Chunks a reader may be behind; then its console ends with an error. */
const CHUNKS_WAITING_MAX = 1_000;

export function openSimulatedConsole(parts: {
  readonly clock: Clock;
  readonly host: SimulatedHost;
  readonly vmId: VmId;
  readonly force: boolean;
  readonly closed: AbortSignal;
}): ConsoleStream {
  const { clock, host, vmId } = parts;
  const live = host.domains.get(vmId)?.live;
  if (live === undefined) {
    const code = host.domains.has(vmId) ? "wrong-state" : "not-found";
    throw new MusterError(code, `cannot open the console of vm ${vmId}: it does not run here`);
  }
  const previous = live.console;
  if (previous !== undefined) {
    if (!parts.force) {
      const hint = "force takes it over";
      throw new MusterError("busy", `the console of vm ${vmId} is in use`, { hint });
    }
    previous.end();
  }
  const output = new Mailbox<Uint8Array>(CHUNKS_WAITING_MAX);
  const ended = new AbortController();
  const session = {
    end: (): void => {
      ended.abort(new MusterError("cancelled", "the console was closed"));
      output.end();
      if (live.console === session) live.console = undefined;
    },
  };
  live.console = session;
  const signal = AbortSignal.any([ended.signal, parts.closed]);
  void printLines({ clock, host, vmId, live, output, signal }).finally(session.end);
  return {
    output,
    async write(data) {
      if (ended.signal.aborted) throw ended.signal.reason;
      output.put(data);
    },
    async close() {
      session.end();
    },
  };
}

async function printLines(parts: {
  readonly clock: Clock;
  readonly host: SimulatedHost;
  readonly vmId: VmId;
  readonly live: LiveDomain;
  readonly output: Mailbox<Uint8Array>;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { live, output, signal } = parts;
  const name = live.config.spec.name;
  while (parts.host.domains.get(parts.vmId)?.live === live) {
    const { bootId, count } = live.guest;
    const line = `LAB name=${name} boot=${bootId.slice(0, 8)} count=${String(count)}\r\n`;
    if (live.state === "running") output.put(Buffer.from(line));
    try {
      await parts.clock.sleep(1_000, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }
}
