/** Gives hosts what is in the seeds of their VMs, and records what guests say of their first boot. */
import { hideSecrets, parseContext, renderSeed, type Context } from "@muster/context";
import {
  contextStateOf,
  detailOf,
  MusterError,
  type ContextRecord,
  type GuestReport,
  type GuestStage,
  type HostId,
  type RecordedStage,
  type SeedContents,
  type VmId,
  type VmRecord,
} from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { contextSubject } from "./context-subject.ts";
import type { KeyRing } from "./key-ring.ts";

export interface ContextsParts {
  readonly ledger: Ledger;
  readonly keyRing: KeyRing;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
}

export class Contexts {
  readonly #parts: ContextsParts;

  constructor(parts: ContextsParts) {
    this.#parts = parts;
  }

  /** Opened. Throws "wrong-state" when it was forgotten. */
  open(record: ContextRecord): Context {
    const text = this.#parts.keyRing.open(this.#parts.ledger.view, record);
    return parseContext(JSON.parse(text) as unknown);
  }

  /** Only for the host that the VM is placed on, or moving to. */
  seedFor(hostId: HostId, vmId: VmId): SeedContents {
    try {
      const { view } = this.#parts.ledger;
      const vm = requireHere(view, hostId, vmId);
      const record = view.contexts.get(vmId);
      if (record === undefined) {
        throw new MusterError("not-found", `VM ${vm.spec.name} has no context`);
      }
      const seed = renderSeed(this.open(record), contextSubject(view, vm));
      return { kind: "seed", vmId, ...seed };
    } catch (error) {
      const { message, code } = detailOf(error);
      this.#parts.log.warn({ hostId, vmId, code, why: message }, "a host did not get a seed");
      return { kind: "seed", vmId, label: "", files: [], error: detailOf(error) };
    }
  }

  /** Number of the last line that need not be said again; undefined: the VM is not this host's. */
  async report(hostId: HostId, report: GuestReport): Promise<number | undefined> {
    const { ledger } = this.#parts;
    const last = report.stages.at(-1)?.number ?? 0;
    if (!isHere(ledger.view.vms.get(report.vmId), hostId)) return undefined;
    const known = ledger.view.contexts.get(report.vmId);
    // Whoever was told all there is to know lets the guest rest.
    if (known === undefined || freshStages(known, report.stages).length === 0) return last;
    const fresh = await ledger.transact((view) => {
      const record = view.contexts.get(report.vmId);
      const stages = record === undefined ? [] : freshStages(record, report.stages);
      if (record === undefined || stages.length === 0) return { changes: [], result: undefined };
      const told = stages.map((stage) => this.#recorded(record, stage));
      const changed = { ...record, stages: [...record.stages, ...told] };
      return { changes: [put("context", changed)], result: { changed, told } };
    });
    if (fresh !== undefined) this.#tell(report.vmId, fresh.changed, fresh.told);
    return last;
  }

  /** A guest's log may repeat what it was told. */
  #recorded(record: ContextRecord, stage: GuestStage): RecordedStage {
    const at = this.#parts.clock.wall().toISOString();
    return { ...stage, logTail: this.#withoutSecrets(record, stage.logTail), at };
  }

  #withoutSecrets(record: ContextRecord, text: string): string {
    if (text === "") return text;
    try {
      return hideSecrets(text, this.open(record));
    } catch (error) {
      this.#parts.log.warn({ vmId: record.vmId, err: error }, "a guest's log is not kept");
      return "";
    }
  }

  #tell(vmId: VmId, record: ContextRecord, told: readonly RecordedStage[]): void {
    const { ledger, events, log } = this.#parts;
    const name = ledger.view.vms.get(vmId)?.spec.name ?? vmId;
    for (const { stage, state, exitCode } of told) {
      const how = state === "failed" ? `failed with exit code ${String(exitCode)}` : state;
      const message = `first boot: ${stage} settings ${how}`;
      events.record({ kind: "vm-first-boot", subject: `vm/${name}`, message });
    }
    log.info({ vm: name, state: contextStateOf(record) }, "a guest reported on its first boot");
  }
}

const isHere = (vm: VmRecord | undefined, hostId: HostId): boolean =>
  vm?.placement?.hostId === hostId || vm?.target?.hostId === hostId;

function requireHere(view: LedgerView, hostId: HostId, vmId: VmId): VmRecord {
  const vm = view.vms.get(vmId);
  if (vm !== undefined && isHere(vm, hostId)) return vm;
  throw new MusterError("forbidden", `VM ${vmId} is not on this host`);
}

/** Lines only ever follow each other: what is recorded stays as it is. */
function freshStages(record: ContextRecord, said: readonly GuestStage[]): readonly GuestStage[] {
  let last = record.stages.at(-1)?.number ?? 0;
  return said.filter(({ number }) => {
    if (number !== last + 1) return false;
    last = number;
    return true;
  });
}
