/**
 * VMs as rows of JSON text, straight from the records: the same as the command line makes of the answer to ListVms, at a
 * tenth of the cost. `test/integration/vm-rows.test.ts` holds the two to each other.
 */
import {
  plainBigint,
  type VmObservation,
  type VmRecord,
  type VmSpec,
  type VmUsage,
} from "@muster/model";
import { encodeVmSpec, viewVmSpec } from "@muster/model/wire";
import type { LedgerView } from "../ledger/view.ts";
import { encodeRules } from "./decode-rules.ts";
import { WILD_TROUBLE } from "./encode-vm.ts";
import type { VmView } from "./vm-view.ts";
import type { WildVm } from "./wild-vms.ts";

const text = (value: string): string => JSON.stringify(value);

function amount(value: bigint): string {
  const plain = plainBigint(value);
  return typeof plain === "number" ? String(plain) : `"${plain}"`;
}

const generic = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) =>
    typeof part === "bigint" ? plainBigint(part) : part,
  );

export class VmRows {
  /** A spec changes seldom and is the longest part of a row. */
  readonly #specs = new WeakMap<VmSpec, string>();

  row(vm: VmView, view: LedgerView): string {
    const { record, observed } = vm;
    return (
      `{"id":"${record.id}","name":${text(record.spec.name)},"state":"${vm.state}",` +
      `"host":${text(vm.hostName)},"targetHost":${text(vm.targetHostName)},"managed":true,` +
      `"spec":${this.#spec(record.spec)},` +
      (observed === undefined ? "" : `"observed":${observation(observed)},`) +
      `"observedAgeMs":${String(vm.observedAgeMs)},` +
      `"generation":${String(record.placement?.generation ?? 0)},` +
      `"operationId":${text(record.operationId ?? "")},"createdAt":${text(record.createdAt)},` +
      `"trouble":${text(vm.trouble)}${rules(record, view)}${awayFrom(record, view)},` +
      `"wanted":${text(record.wanted ?? "")},` +
      `"restarts":${String(record.recovery?.restartsMs.length ?? 0)},` +
      `"haError":${text(record.recovery?.error?.message ?? "")}}`
    );
  }

  wildRow({ observed, hostName, ageMs }: WildVm): string {
    return (
      `{"id":"${observed.id}","name":${text(observed.name)},"state":"${observed.state}",` +
      `"host":${text(hostName)},"targetHost":"","managed":${String(observed.managed)},` +
      `"observed":${observation(observed)},"observedAgeMs":${String(Math.round(ageMs))},` +
      `"generation":${String(observed.generation)},"operationId":"","createdAt":"",` +
      `"trouble":${text(observed.managed ? WILD_TROUBLE : "")},"wanted":"","restarts":0,"haError":""}`
    );
  }

  #spec(spec: VmSpec): string {
    const known = this.#specs.get(spec);
    if (known !== undefined) return known;
    const row = generic(viewVmSpec(encodeVmSpec(spec)));
    this.#specs.set(spec, row);
    return row;
  }
}

function rules(record: VmRecord, view: LedgerView): string {
  const encoded = encodeRules(record.rules, view);
  return encoded === undefined ? "" : `,"rules":${generic(encoded)}`;
}

function awayFrom({ away }: VmRecord, view: LedgerView): string {
  return away === undefined ? "" : `,"awayFrom":${text(view.hosts.get(away)?.name ?? away)}`;
}

const observation = (vm: VmObservation): string =>
  `{"id":"${vm.id}","name":${text(vm.name)},"state":"${vm.state}","reason":${text(vm.reason)},` +
  `"managed":${String(vm.managed)},"generation":${String(vm.generation)},` +
  `"cpus":${String(vm.cpus)},"memoryBytes":${amount(vm.memoryBytes)},` +
  `"macs":${JSON.stringify(vm.macs)},` +
  (vm.usage === undefined ? "" : `"usage":${usageRow(vm.usage)},`) +
  `"migrating":${String(vm.migrating)},"persistent":${String(vm.persistent)}}`;

const usageRow = (usage: VmUsage): string =>
  `{"cpuTimeNs":${amount(usage.cpuTimeNs)},"residentBytes":${amount(usage.residentBytes)},` +
  `"diskReadBytes":${amount(usage.diskReadBytes)},"diskWriteBytes":${amount(usage.diskWriteBytes)},` +
  `"diskReadRequests":${amount(usage.diskReadRequests)},` +
  `"diskWriteRequests":${amount(usage.diskWriteRequests)},` +
  `"networkReceiveBytes":${amount(usage.networkReceiveBytes)},` +
  `"networkTransmitBytes":${amount(usage.networkTransmitBytes)}}`;
