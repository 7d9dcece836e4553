/**
 * Full reports as CompactReport: what a session has told before is not told again. Writer and reader remember the
 * same things, because the session's stream delivers everything in order or ends.
 */
import type * as pb from "@muster/proto/dispatch";
import { invalid } from "../errors.ts";
import type { HostInventory } from "../host.ts";
import type { HostNetworkObservation } from "../host-networking.ts";
import { parseCommandId, type VmId } from "../ids.ts";
import type { AgentMessage } from "../link.ts";
import { parseName } from "../names.ts";
import type { NetworkObservation } from "../network.ts";
import { sameData } from "../same-data.ts";
import type { VmObservation, VmUsage } from "../vm.ts";
import { fieldAt, readList, required } from "./fields.ts";
import {
  decodeHostInventory,
  decodeHostLoad,
  encodeHostInventory,
  encodeHostLoad,
} from "./host.ts";
import { decodeHostNetworkObservation, encodeHostNetworkObservation } from "./host-networking.ts";
import { decodeNetworkObservation, encodeNetworkObservation } from "./network.ts";
import { HOST_NETWORKS_MAX, HOST_VMS_MAX, RUNNING_COMMANDS_MAX } from "./report-limits.ts";
import {
  checkUsage,
  decodeUsage,
  encodeUsage,
  toldUsage,
  type UsageRow,
} from "./usage-differences.ts";
import { decodeVmObservation, encodeVmObservation } from "./vm-observation.ts";

type FullReport = Extract<AgentMessage, { kind: "full-report" }>;

interface ToldVm {
  readonly number: number;
  /** Without its usage. */
  readonly facts: VmObservation;
  readonly usage: VmUsage | undefined;
}

export class CompactReportWriter {
  #told = new Map<VmId, ToldVm>();
  #freeNumbers: number[] = [];
  #inventory: HostInventory | undefined;
  #networks: ReadonlyMap<string, NetworkObservation> = new Map();
  #hostNetwork: HostNetworkObservation | undefined;
  #sequence = 0n;

  /** The next report is complete by itself. */
  forget(): void {
    this.#told = new Map();
    this.#freeNumbers = [];
    this.#inventory = undefined;
    this.#networks = new Map();
    this.#hostNetwork = undefined;
    this.#sequence = 0n;
  }

  encode(report: FullReport): pb.CompactReport {
    // There is no word for "no longer".
    if (report.hostNetwork === undefined && this.#hostNetwork !== undefined) this.forget();
    const buildsOn = this.#sequence;
    this.#sequence = report.sequence;
    const hasSameInventory = sameData(this.#inventory, report.inventory);
    this.#inventory = report.inventory;
    // First, so that a number that became free may be given again in the same report.
    const removedVms = this.#removeVms(report.vms);
    return {
      sequence: report.sequence,
      buildsOn,
      inventory: hasSameInventory ? undefined : encodeHostInventory(report.inventory),
      removedVms,
      ...this.#tellVms(report.vms),
      ...this.#tellNetworks(report.networks),
      load: encodeHostLoad(report.load),
      runningCommandIds: [...report.runningCommandIds],
      hostNetwork: this.#tellHostNetwork(report),
    };
  }

  #tellHostNetwork({ hostNetwork }: FullReport): pb.CompactReport["hostNetwork"] {
    if (sameData(this.#hostNetwork, hostNetwork)) return undefined;
    this.#hostNetwork = hostNetwork;
    return hostNetwork === undefined ? undefined : encodeHostNetworkObservation(hostNetwork);
  }

  #removeVms(vms: readonly VmObservation[]): number[] {
    const present = new Set(vms.map((vm) => vm.id));
    const gone = [...this.#told].filter(([vmId]) => !present.has(vmId));
    for (const [vmId, { number }] of gone) {
      this.#told.delete(vmId);
      this.#freeNumbers.push(number);
    }
    return gone.map(([, { number }]) => number);
  }

  #tellVms(vms: readonly VmObservation[]): Pick<pb.CompactReport, "vms" | "usage"> {
    const changed: pb.NumberedVm[] = [];
    const used: UsageRow[] = [];
    for (const { usage, ...facts } of vms) {
      const before = this.#told.get(facts.id);
      const number = before?.number ?? this.#freeNumbers.pop() ?? this.#told.size;
      const lostUsage = before?.usage !== undefined && usage === undefined;
      const isKept = before !== undefined && !lostUsage && sameData(before.facts, facts);
      if (!isKept) changed.push({ number, vm: encodeVmObservation(facts) });
      const now = usage === undefined ? undefined : toldUsage(usage);
      if (now !== undefined) used.push({ number, before: isKept ? before.usage : undefined, now });
      this.#told.set(facts.id, { number, facts, usage: now });
    }
    return { vms: changed, usage: encodeUsage(used) };
  }

  #tellNetworks(
    networks: readonly NetworkObservation[],
  ): Pick<pb.CompactReport, "networks" | "removedNetworks"> {
    const before = this.#networks;
    const now = new Map(networks.map((network) => [network.name, network]));
    this.#networks = now;
    return {
      networks: [...now.values()]
        .filter((network) => !sameData(before.get(network.name), network))
        .map(encodeNetworkObservation),
      removedNetworks: [...before.keys()].filter((name) => !now.has(name)),
    };
  }
}

export class CompactReportReader {
  /** As they were last told, usage included. */
  readonly #vms = new Map<number, VmObservation>();
  readonly #networks = new Map<string, NetworkObservation>();
  readonly #keep: (inventory: HostInventory) => HostInventory;
  #inventory: HostInventory | undefined;
  #hostNetwork: HostNetworkObservation | undefined;
  #sequence = 0n;

  constructor(keep: (inventory: HostInventory) => HostInventory) {
    this.#keep = keep;
  }

  /** Throws MusterError "invalid" naming the field. What was remembered is then worth nothing: end the session. */
  decode(wire: pb.CompactReport, field: string): FullReport {
    const at = (part: string): string => fieldAt(field, part);
    this.#begin(wire, at("buildsOn"));
    if (wire.inventory !== undefined)
      this.#inventory = this.#keep(decodeHostInventory(wire.inventory, at("inventory")));
    this.#readVms(wire, at);
    if (wire.usage !== undefined) this.#readUsage(wire.usage, at("usage"));
    this.#readNetworks(wire, at);
    const commands = { field: at("runningCommandIds"), max: RUNNING_COMMANDS_MAX };
    return {
      kind: "full-report",
      sequence: wire.sequence,
      inventory: required(this.#inventory, at("inventory")),
      vms: [...this.#vms.values()],
      networks: [...this.#networks.values()],
      load: decodeHostLoad(required(wire.load, at("load")), at("load")),
      runningCommandIds: readList(wire.runningCommandIds, commands, (id) => parseCommandId(id)),
      ...this.#readHostNetwork(wire, at("hostNetwork")),
    };
  }

  #begin({ buildsOn, sequence }: pb.CompactReport, field: string): void {
    if (buildsOn === 0n) {
      this.#vms.clear();
      this.#networks.clear();
      this.#inventory = undefined;
      this.#hostNetwork = undefined;
    } else if (buildsOn !== this.#sequence) {
      throw invalid(field, `${String(buildsOn)} is not ${String(this.#sequence)}, the last report`);
    }
    this.#sequence = sequence;
  }

  #readHostNetwork(wire: pb.CompactReport, field: string): Pick<FullReport, "hostNetwork"> {
    if (wire.hostNetwork !== undefined) {
      this.#hostNetwork = decodeHostNetworkObservation(wire.hostNetwork, field);
    }
    return this.#hostNetwork === undefined ? {} : { hostNetwork: this.#hostNetwork };
  }

  #readVms(wire: pb.CompactReport, at: (part: string) => string): void {
    for (const number of wire.removedVms) {
      if (this.#vms.delete(number)) continue;
      throw invalid(at("removedVms"), `there is no VM ${String(number)}`);
    }
    const limits = { field: at("vms"), max: HOST_VMS_MAX };
    readList(wire.vms, limits, ({ number, vm }, vmField) => {
      const named = fieldAt(vmField, "vm");
      this.#vms.set(number, decodeVmObservation(required(vm, named), named));
    });
    if (this.#vms.size > HOST_VMS_MAX) {
      throw invalid(at("vms"), `${String(this.#vms.size)} VMs, at most ${String(HOST_VMS_MAX)}`);
    }
  }

  #readUsage(wire: pb.UsageDifferences, field: string): void {
    checkUsage(wire, field);
    for (const [index, number] of wire.vms.entries()) {
      const vm = this.#vms.get(number);
      if (vm === undefined)
        throw invalid(fieldAt(field, "vms"), `there is no VM ${String(number)}`);
      this.#vms.set(number, { ...vm, usage: decodeUsage(wire, index, vm.usage) });
    }
  }

  #readNetworks(wire: pb.CompactReport, at: (part: string) => string): void {
    const limits = { max: HOST_NETWORKS_MAX };
    const removed = { ...limits, field: at("removedNetworks") };
    for (const name of readList(wire.removedNetworks, removed, parseName)) {
      this.#networks.delete(name);
    }
    const told = { ...limits, field: at("networks") };
    for (const network of readList(wire.networks, told, decodeNetworkObservation)) {
      this.#networks.set(network.name, network);
    }
    if (this.#networks.size > HOST_NETWORKS_MAX) {
      throw invalid(at("networks"), `more than ${String(HOST_NETWORKS_MAX)} networks`);
    }
  }
}
