/** VMs for people. PURE. */
import { renderSize } from "@muster/model";
import { renderAge, renderDuration } from "../duration.ts";
import { renderPolicy } from "./ha.ts";
import type { VmView } from "../view/vm.ts";
import { ruleWords } from "./rule.ts";
import { toneOf, type Paint } from "./style.ts";
import { field, renderFields, renderTable, type Cell, type Column, type Field } from "./table.ts";

/** "running", "unknown (running 35 s ago)". */
function stateCell(vm: VmView): Cell {
  const tone = toneOf(vm.state);
  if (vm.observedAgeMs === 0n || vm.observed === undefined) return { text: vm.state, tone };
  const age = renderDuration(Number(vm.observedAgeMs));
  return { text: `${vm.state} (${vm.observed.state} ${age} ago)`, tone };
}

const place = (vm: VmView): string =>
  vm.targetHost === "" ? vm.host : `${vm.host} -> ${vm.targetHost}`;

const cpus = (vm: VmView): string => String(vm.spec?.cpus ?? vm.observed?.cpus ?? "");

function memory(vm: VmView): string {
  const bytes = vm.spec?.memoryBytes ?? vm.observed?.memoryBytes;
  return bytes === undefined ? "" : renderSize(bytes);
}

const networks = (vm: VmView): string => (vm.spec?.nics ?? []).map((nic) => nic.network).join(",");

function note(vm: VmView): Cell {
  if (vm.trouble !== "") return { text: vm.trouble, tone: "bad" };
  if (vm.operationId !== "") return { text: vm.operationId, tone: "busy" };
  return { text: vm.managed ? "" : "wild", tone: "faint" };
}

export const vmColumns = (now: Date): readonly Column<VmView>[] => [
  { title: "NAME", cell: (vm) => vm.name },
  { title: "STATE", cell: stateCell },
  { title: "HOST", cell: place },
  { title: "CPUS", align: "right", cell: cpus },
  { title: "MEMORY", align: "right", cell: memory },
  { title: "NETWORKS", cell: networks },
  { title: "AGE", align: "right", cell: (vm) => renderAge(vm.createdAt, now) },
  { title: "NOTE", cell: note },
];

const macs = (vm: VmView): string => {
  const wanted = (vm.spec?.nics ?? []).map((nic) => nic.mac);
  return (wanted.length > 0 ? wanted : (vm.observed?.macs ?? [])).join(",");
};

export const renderVms = (vms: readonly VmView[], now: Date, paint: Paint): string =>
  renderTable(vmColumns(now), vms, paint);

export const renderVmsWide = (vms: readonly VmView[], now: Date, paint: Paint): string =>
  renderTable(
    [
      ...vmColumns(now),
      { title: "WHY", cell: (vm) => vm.observed?.reason ?? "" },
      { title: "MACS", cell: macs },
      { title: "ID", cell: (vm) => vm.id },
    ],
    vms,
    paint,
  );

/** Everything worth knowing of one VM. */
export function renderVm(vm: VmView, now: Date, paint: Paint): string {
  const sections = [
    renderFields(headFields(vm, now), paint),
    renderFields(specFields(vm), paint),
    renderFields(usageFields(vm), paint),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

const headFields = (vm: VmView, now: Date): readonly Field[] => [
  field("VM", { text: vm.name, tone: "strong" }),
  field("id", vm.id),
  field("state", stateCell(vm)),
  field("because", vm.observed?.reason ?? ""),
  field("trouble", { text: vm.trouble, tone: "bad" }),
  field("host", vm.host),
  field("moving to", vm.targetHost),
  field("operation", vm.operationId),
  field("managed", vm.managed ? "yes" : "no: a wild VM, shown and never touched"),
  field("generation", vm.managed ? String(vm.generation) : ""),
  field("created", vm.createdAt === "" ? "" : `${vm.createdAt} (${renderAge(vm.createdAt, now)})`),
  field("cpus", cpus(vm)),
  field("memory", memory(vm)),
  field("bound to", vm.rules === undefined ? "" : ruleWords(vm.rules).join(", ")),
  field("away from", vm.awayFrom === undefined ? "" : `${vm.awayFrom}, by a drain`),
];

function specFields(vm: VmView): readonly Field[] {
  const { spec } = vm;
  if (spec === undefined) return [];
  return [
    ...spec.disks.map((disk, index) => {
      const base = disk.baseVolume === "" ? "" : ` from ${disk.baseVolume}`;
      return field(
        `disk ${String(index)}`,
        `${renderSize(disk.sizeBytes)} on ${disk.storage}${base}`,
      );
    }),
    ...spec.nics.map((nic, index) => field(`NIC ${String(index)}`, `${nic.network} ${nic.mac}`)),
    field("kernel", spec.kernel?.kernelPath ?? ""),
    field("initrd", spec.kernel?.initrdPath ?? ""),
    field("command line", spec.kernel?.commandLine ?? ""),
    field("never together with", spec.antiAffinityGroups.join(", ")),
    field("cpu model", spec.cpuModel),
    field("machine", spec.machineType),
    ...haFields(vm),
  ];
}

function haFields({ spec, wanted, restarts, haError }: VmView): readonly Field[] {
  const policy = spec?.ha === undefined ? "" : renderPolicy(spec.ha);
  return [
    field("policy", policy),
    field("meant to be", policy === "" ? "" : wanted),
    field("restarts", restarts === 0 ? "" : String(restarts)),
    field("in error", { text: haError, tone: "bad" }),
  ];
}

function usageFields(vm: VmView): readonly Field[] {
  const usage = vm.observed?.usage;
  if (usage === undefined) return [];
  return [
    field("cpu time", renderDuration(Number(usage.cpuTimeNs / 1_000_000n))),
    field("resident", renderSize(usage.residentBytes)),
    field("disk read", renderSize(usage.diskReadBytes)),
    field("disk written", renderSize(usage.diskWriteBytes)),
    field("received", renderSize(usage.networkReceiveBytes)),
    field("sent", renderSize(usage.networkTransmitBytes)),
  ];
}
