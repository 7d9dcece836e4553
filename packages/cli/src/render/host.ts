/** Hosts for people. PURE. */
import { renderSize } from "@muster/model";
import type { HostPressure } from "@muster/proto/types";
import { renderDuration } from "../duration.ts";
import type { HostView } from "../view/host.ts";
import type { VmView } from "../view/vm.ts";
import { renderImageCache } from "./image.ts";
import { traitWords } from "./rule.ts";
import { toneOf, type Paint } from "./style.ts";
import { field, renderFields, renderTable, type Cell, type Column } from "./table.ts";
import { vmColumns } from "./vm.ts";

function stateCell(host: HostView): Cell {
  const silent = host.silentMs > 0n ? ` ${renderDuration(Number(host.silentMs))}` : "";
  const cordoned = host.cordoned ? ", cordoned" : "";
  const tone = host.cordoned && host.state === "online" ? "busy" : toneOf(host.state);
  return { text: `${host.state}${silent}${cordoned}`, tone };
}

const memory = (host: HostView): string =>
  `${renderSize(host.claimedMemoryBytes)} / ${renderSize(host.capacityMemoryBytes)}`;

const cpus = (host: HostView): string =>
  `${String(host.claimedCpus)} / ${String(host.capacityCpus)}`;

/** Claimed of what may be placed. */
const columns: readonly Column<HostView>[] = [
  { title: "NAME", cell: (host) => host.name },
  { title: "STATE", cell: stateCell },
  { title: "CPUS", align: "right", cell: cpus },
  { title: "MEMORY", align: "right", cell: memory },
  { title: "VMS", align: "right", cell: (host) => String(host.vmCount) },
  { title: "WILD", align: "right", cell: (host) => String(host.wildVmCount) },
];

const wideColumns: readonly Column<HostView>[] = [
  ...columns,
  { title: "CPU USED", align: "right", cell: (host) => percent(host.load?.cpuUsedRatio) },
  { title: "LIBVIRT", cell: (host) => host.inventory?.versions?.libvirt ?? "" },
  { title: "QEMU", cell: (host) => host.inventory?.versions?.qemu ?? "" },
  { title: "AGENT", cell: (host) => host.agentVersion },
  { title: "ID", cell: (host) => host.id },
];

const pressureText = (pressure: HostPressure | undefined): string =>
  pressure === undefined
    ? ""
    : `cpu ${percent(pressure.cpu)}, memory ${percent(pressure.memory)}, io ${percent(pressure.io)}`;

const percent = (ratio: number | undefined): string =>
  ratio === undefined ? "" : `${(ratio * 100).toFixed(0)}%`;

export const renderHosts = (hosts: readonly HostView[], paint: Paint): string =>
  renderTable(columns, hosts, paint);

export const renderHostsWide = (hosts: readonly HostView[], paint: Paint): string =>
  renderTable(wideColumns, hosts, paint);

export interface HostDetail {
  readonly host: HostView;
  readonly vms: readonly VmView[];
}

/** Everything worth knowing of one host. */
export function renderHost(detail: HostDetail, now: Date, paint: Paint): string {
  const { host, vms } = detail;
  const sections = [
    renderFields(headFields(host), paint),
    renderFields(machineFields(host), paint),
    titled("storages", storageTable(host, paint)),
    titled(imagesTitle(host), renderImageCache(host, now, paint)),
    titled("NICs", nicTable(host, paint)),
    titled("networks", networkTable(host, paint)),
    titled("VMs", vms.length === 0 ? "" : renderTable(vmColumns(now), vms, paint)),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

const titled = (title: string, body: string): string => (body === "" ? "" : `${title}\n${body}`);

/** "image cache, 1.2 GiB of 64 GiB" */
function imagesTitle({ inventory }: HostView): string {
  const images = inventory?.images;
  if (images === undefined) return "";
  return `image cache, ${renderSize(images.usedBytes)} of ${renderSize(images.maxBytes)}`;
}

const headFields = (host: HostView) => [
  field("host", { text: host.name, tone: "strong" }),
  field("id", host.id),
  field("state", stateCell(host)),
  field("cordoned because", host.cordonReason),
  field("cpus claimed", `${String(host.claimedCpus)} of ${String(host.capacityCpus)}`),
  field(
    "memory claimed",
    `${renderSize(host.claimedMemoryBytes)} of ${renderSize(host.capacityMemoryBytes)}`,
  ),
  field("described", host.traits === undefined ? "" : traitWords(host.traits).join(", ")),
  field("VMs", `${String(host.vmCount)}, and ${String(host.wildVmCount)} wild`),
  field("agent", host.agentVersion),
  field("certificate until", host.certificateExpiresAt),
  field("metrics", host.metricsAddress),
  field(
    "watchdog",
    host.watchdogTimeoutMs === 0 ? "" : `armed, ${renderDuration(host.watchdogTimeoutMs)}`,
  ),
  field("fence devices", host.fenceDevices.map(({ agent }) => agent).join(", ")),
  field("off", host.off),
];

function machineFields(host: HostView) {
  const { inventory, load } = host;
  if (inventory === undefined) return [];
  const { cpu, versions } = inventory;
  const topology =
    cpu === undefined
      ? ""
      : `${String(cpu.logicalCpus)} logical (${String(cpu.sockets)} x ${String(cpu.cores)} x ${String(cpu.threads)}), ${cpu.model}`;
  return [
    field("hardware", inventory.hardware),
    field("cpu", topology),
    field("memory", renderSize(inventory.memoryBytes)),
    field("NUMA cells", String(inventory.numaCells.length)),
    field("virtualization", inventory.virtualization),
    field("system", versions?.operatingSystem ?? ""),
    field("kernel", versions?.kernel ?? ""),
    field("libvirt", versions?.libvirt ?? ""),
    field("QEMU", versions?.qemu ?? ""),
    field("load", load === undefined ? "" : load.load1m.toFixed(2)),
    field("pressure", pressureText(load?.pressure)),
    field("cpu used", percent(load?.cpuUsedRatio)),
    field("memory free", load === undefined ? "" : renderSize(load.memoryAvailableBytes)),
    ...inventory.disagreements.map((text) => field("disagreement", { text, tone: "busy" })),
  ];
}

function storageTable(host: HostView, paint: Paint): string {
  const storages = host.inventory?.storages ?? [];
  if (storages.length === 0) return "";
  return renderTable(
    [
      { title: "NAME", cell: (storage) => storage.name },
      { title: "KIND", cell: (storage) => storage.kind },
      { title: "SHARED", cell: (storage) => (storage.shared ? "yes" : "no") },
      { title: "FREE", align: "right", cell: (storage) => renderSize(storage.availableBytes) },
      { title: "SIZE", align: "right", cell: (storage) => renderSize(storage.capacityBytes) },
      { title: "PATH", cell: (storage) => storage.path },
    ],
    storages,
    paint,
  );
}

function nicTable(host: HostView, paint: Paint): string {
  const nics = host.inventory?.nics ?? [];
  if (nics.length === 0) return "";
  return renderTable(
    [
      { title: "NAME", cell: (nic) => nic.name },
      { title: "LINK", cell: (nic) => (nic.up ? "up" : "down") },
      { title: "MAC", cell: (nic) => nic.mac },
      {
        title: "MBIT/S",
        align: "right",
        cell: (nic) => (nic.speedMbit === 0 ? "" : String(nic.speedMbit)),
      },
      { title: "MTU", align: "right", cell: (nic) => String(nic.mtu) },
      { title: "ADDRESSES", cell: (nic) => nic.addresses.join(" ") },
    ],
    nics,
    paint,
  );
}

function networkTable(host: HostView, paint: Paint): string {
  if (host.networks.length === 0) return "";
  return renderTable(
    [
      { title: "NAME", cell: (network) => network.name },
      { title: "STATE", cell: ({ state }) => ({ text: state, tone: toneOf(state) }) },
      { title: "VLAN", align: "right", cell: ({ vlan }) => (vlan === 0 ? "" : String(vlan)) },
      { title: "BRIDGE", cell: (network) => network.bridge },
      { title: "DRIVER", cell: (network) => network.driver },
      { title: "MESSAGE", cell: (network) => network.message },
    ],
    host.networks,
    paint,
  );
}
