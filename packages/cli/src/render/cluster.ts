/** The cluster at a glance. PURE. */
import { renderSize } from "@muster/model";
import type { RebalanceStatus } from "@muster/proto/admin";
import type { HaView } from "../view/ha.ts";
import type { HaModeWord } from "../view/words.ts";
import type { HostView } from "../view/host.ts";
import type { OperationView } from "../view/operation.ts";
import type { VmView } from "../view/vm.ts";
import { renderOperations, stuckText } from "./operation.ts";
import { currentStep } from "./progress.ts";
import type { Paint } from "./style.ts";
import { field, renderFields, type Cell } from "./table.ts";

export interface ClusterView {
  readonly clusterId: string;
  readonly version: string;
  readonly coordinator: string;
  readonly authorityFingerprint: string;
  readonly agentAddresses: readonly string[];
  readonly metricsAddress: string;
  /** Absent: an older coordinator. */
  readonly rebalance?: Readonly<RebalanceStatus> | undefined;
  readonly openPlans: readonly string[];
  readonly hosts: Readonly<Record<string, number>>;
  readonly cordonedHostCount: number;
  readonly vms: Readonly<Record<string, number>>;
  readonly wildVmCount: number;
  readonly capacityCpus: number;
  readonly claimedCpus: number;
  readonly capacityMemoryBytes: bigint;
  readonly claimedMemoryBytes: bigint;
  readonly activeOperations: readonly OperationView[];
  readonly highAvailability: HaSummary;
}

export interface HaSummary {
  readonly mode: HaModeWord;
  /** Empty: no brake is on. */
  readonly brake: string;
  readonly vmCount: number;
  readonly inErrorCount: number;
}

export const summarizeHa = ({ mode, brake, vms }: HaView): HaSummary => ({
  mode,
  brake,
  vmCount: vms.length,
  inErrorCount: vms.filter(({ haError }) => haError !== "").length,
});

/** "armed for 3 VMs, 1 in error" */
function renderHaSummary({ mode, brake, vmCount, inErrorCount }: HaSummary): Cell {
  const armed = mode === "armed" ? "armed" : `DISARMED (${mode})`;
  const failed = inErrorCount === 0 ? "" : `, ${String(inErrorCount)} in error`;
  const held = brake === "" ? "" : `; ${brake}`;
  const isWell = mode === "armed" && failed === "" && held === "";
  return {
    text: `${armed} for ${String(vmCount)} VMs${failed}${held}`,
    tone: isWell ? "plain" : "bad",
  };
}

/** Sums over what was listed. */
export function summarize(
  hosts: readonly HostView[],
  vms: readonly VmView[],
): Pick<
  ClusterView,
  | "hosts"
  | "cordonedHostCount"
  | "vms"
  | "wildVmCount"
  | "capacityCpus"
  | "claimedCpus"
  | "capacityMemoryBytes"
  | "claimedMemoryBytes"
> {
  return {
    hosts: countByState(hosts),
    cordonedHostCount: hosts.filter((host) => host.cordoned).length,
    vms: countByState(vms.filter((vm) => vm.managed)),
    wildVmCount: vms.filter((vm) => !vm.managed).length,
    capacityCpus: hosts.reduce((sum, host) => sum + host.capacityCpus, 0),
    claimedCpus: hosts.reduce((sum, host) => sum + host.claimedCpus, 0),
    capacityMemoryBytes: hosts.reduce((sum, host) => sum + host.capacityMemoryBytes, 0n),
    claimedMemoryBytes: hosts.reduce((sum, host) => sum + host.claimedMemoryBytes, 0n),
  };
}

function countByState(things: readonly { readonly state: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of things) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

const renderCounts = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([state, count]) => `${String(count)} ${state}`)
    .join(", ") || "none";

/** "manual: 4 moves, score 0.31 to 0.12: proposed"; nothing while it is off. */
function rebalanceText(status: Readonly<RebalanceStatus> | undefined): string {
  if (status === undefined || status.automation === "off") return "";
  const found = status.lastResult === "" ? "has not looked yet" : status.lastResult;
  return `${status.automation}: ${found}`;
}

export function renderCluster(cluster: ClusterView, now: Date, paint: Paint): string {
  const memory = `${renderSize(cluster.claimedMemoryBytes)} of ${renderSize(cluster.capacityMemoryBytes)}`;
  const wild = cluster.wildVmCount === 0 ? "" : `, and ${String(cluster.wildVmCount)} wild`;
  const { cordonedHostCount } = cluster;
  const cordoned = cordonedHostCount === 0 ? "" : ` (${String(cordonedHostCount)} cordoned)`;
  const head = renderFields(
    [
      field("cluster", cluster.clusterId),
      field("coordinator", `${cluster.version} at ${cluster.coordinator}`),
      field("authority", cluster.authorityFingerprint),
      field("agents dial", cluster.agentAddresses.join(" ")),
      field("metrics", cluster.metricsAddress),
      field("hosts", `${renderCounts(cluster.hosts)}${cordoned}`),
      field("VMs", `${renderCounts(cluster.vms)}${wild}`),
      field("cpus claimed", `${String(cluster.claimedCpus)} of ${String(cluster.capacityCpus)}`),
      field("memory claimed", memory),
      field("rebalance", rebalanceText(cluster.rebalance)),
      field("open plans", cluster.openPlans.join(", ")),
      field("high availability", renderHaSummary(cluster.highAvailability)),
      field("active operations", String(cluster.activeOperations.length)),
      ...cluster.activeOperations
        .filter(({ stuckForMs }) => stuckForMs > 0n)
        .map((operation) => field("stuck", { text: stuckLine(operation), tone: "bad" })),
    ],
    paint,
  );
  if (cluster.activeOperations.length === 0) return head;
  return `${head}\n${renderOperations(cluster.activeOperations, now, paint)}`;
}

function stuckLine(operation: OperationView): string {
  const step = currentStep(operation);
  const where = step === undefined || step.host === "" ? "" : ` on ${step.host}`;
  const what = `${operation.id} ${operation.type} of ${operation.subject}`;
  return `${what}: ${stuckText(operation)} in ${step?.name ?? "it"}${where}`;
}
