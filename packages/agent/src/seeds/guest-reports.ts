/**
 * Listens to guests that report on their first boot, as long as the coordinator wants to hear of them. Nothing is kept
 * here: the guest says everything again until it is told that it is recorded, so an agent may be killed at any moment,
 * and a VM may move.
 */
import { parseReportLine, REPORT_LINE_MAX } from "@muster/context";
import type { AgentMessage, GuestStage, VmId } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { Assigned } from "../assignments/assigned.ts";
import type { ConsoleStream, Hypervisor } from "../hypervisor/hypervisor.ts";

/** How soon a guest that has started is listened to. */
const PERIOD_MS = 2_000;
/** What was said before is told the coordinator at most so often. */
const AGAIN_MS = 1_000;
/** More lines than a guest has to say, in case it says them again. */
const PENDING_CHARACTERS_MAX = 64 * REPORT_LINE_MAX;

export interface GuestReportsParts {
  readonly hypervisor: Hypervisor;
  readonly assigned: () => Assigned | undefined;
  /** May lose what it is given. */
  readonly send: (message: AgentMessage) => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface Listener {
  readonly stream: ConsoleStream;
  readonly stages: Map<number, GuestStage>;
  recorded: number;
  toldAtMs: number;
  done: Promise<void>;
}

export class GuestReports implements Reconciler {
  readonly name = "guest-reports";
  readonly periodMs = PERIOD_MS;
  readonly #parts: GuestReportsParts;
  readonly #listeners = new Map<VmId, Listener>();

  constructor(parts: GuestReportsParts) {
    this.#parts = parts;
  }

  async reconcile(): Promise<void> {
    const wanted = new Set(this.#wanted());
    for (const vmId of wanted) {
      if (!this.#listeners.has(vmId)) await this.#listen(vmId);
    }
    for (const [vmId, listener] of this.#listeners) {
      if (!wanted.has(vmId) && isHeard(listener)) await listener.stream.close();
    }
  }

  /** The coordinator has recorded this guest's lines up to this one. */
  async recorded(vmId: VmId, number: number): Promise<void> {
    const listener = this.#listeners.get(vmId);
    if (listener === undefined) return;
    listener.recorded = Math.max(listener.recorded, number);
    await this.#write(vmId, listener, `ok ${String(number)}\n`);
  }

  /** What was not recorded may never have arrived. */
  sessionOpened(): void {
    for (const [vmId, listener] of this.#listeners) {
      if (!isHeard(listener)) this.#tell(vmId, listener);
    }
  }

  async stop(): Promise<void> {
    const listeners = [...this.#listeners.values()];
    await Promise.all(listeners.map(({ stream }) => stream.close()));
    await Promise.all(listeners.map(({ done }) => done));
  }

  #wanted(): readonly VmId[] {
    const vms = this.#parts.assigned()?.vms ?? [];
    return vms.filter(({ listen }) => listen === true).map(({ id }) => id);
  }

  async #listen(vmId: VmId): Promise<void> {
    const { hypervisor, log } = this.#parts;
    const seen = await hypervisor.watch.observe(vmId);
    if (seen?.state !== "running" || seen.migrating) return;
    let stream: ConsoleStream;
    try {
      stream = await hypervisor.seeds.openReports(vmId);
    } catch (error) {
      log.warn({ vmId, err: error }, "a guest cannot be listened to");
      return;
    }
    const listener: Listener = {
      stream,
      stages: new Map(),
      recorded: 0,
      toldAtMs: 0,
      done: Promise.resolve(),
    };
    this.#listeners.set(vmId, listener);
    listener.done = this.#read(vmId, listener).finally(() => {
      if (this.#listeners.get(vmId) === listener) this.#listeners.delete(vmId);
    });
    // A guest that had said everything to an agent before this one says it again.
    await this.#write(vmId, listener, "hello\n");
  }

  async #read(vmId: VmId, listener: Listener): Promise<void> {
    const decoder = new TextDecoder();
    let pending = "";
    try {
      for await (const chunk of listener.stream.output) {
        pending += decoder.decode(chunk, { stream: true });
        const lines = pending.split("\n");
        // What has no end and is longer than a line is no line.
        pending = (lines.pop() ?? "").slice(-PENDING_CHARACTERS_MAX);
        this.#take(vmId, listener, lines);
      }
    } catch (error) {
      this.#parts.log.info({ vmId, err: error }, "a guest is no longer listened to");
    }
  }

  #take(vmId: VmId, listener: Listener, lines: readonly string[]): void {
    const stages = lines.flatMap((line) => parseReportLine(line) ?? []);
    if (stages.length === 0) return;
    const isNew = stages.some(({ number }) => !listener.stages.has(number));
    for (const stage of stages) listener.stages.set(stage.number, stage);
    // A guest may say the same again as often as it likes.
    const nowMs = this.#parts.clock.now();
    if (!isNew && nowMs - listener.toldAtMs < AGAIN_MS) return;
    listener.toldAtMs = nowMs;
    this.#tell(vmId, listener);
  }

  #tell(vmId: VmId, { stages }: Listener): void {
    const inOrder = [...stages.values()].toSorted((left, right) => left.number - right.number);
    this.#parts.send({ kind: "guest-report", vmId, stages: inOrder });
  }

  async #write(vmId: VmId, listener: Listener, text: string): Promise<void> {
    try {
      await listener.stream.write(Buffer.from(text));
    } catch (error) {
      this.#parts.log.info({ vmId, err: error }, "a guest could not be answered");
    }
  }
}

/** Everything it said is recorded. */
const isHeard = ({ stages, recorded }: Listener): boolean =>
  stages.size === 0 || Math.max(...stages.keys()) <= recorded;
