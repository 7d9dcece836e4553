/** Gathers what the metrics show from the coordinator's parts. */
import {
  contextStateOf,
  isEnded,
  policyOf,
  type ContextState,
  type HostRecord,
  type OperationRecord,
  type PlanRecord,
} from "@muster/model";
import { haSwitchOf } from "../ha/ha-switch.ts";
import { clusterState } from "../api/encode-virtual-cluster.ts";
import { vmView } from "../api/vm-view.ts";
import type { Coordinator } from "../coordinator.ts";
import type {
  CoordinatorMetricsSource,
  CoordinatorSummary,
  HostSummary,
  MigrationSummary,
} from "../metrics/summary.ts";
import { planStuck } from "../reconcilers/watch-stuck.ts";
import type { MigrateVmParameters } from "../operations/migrate-vm.ts";
import type { CapacityPolicy } from "../planning/cluster-snapshot.ts";
import { macClashes } from "../planning/clashes.ts";
import { hostUse } from "../planning/host-use.ts";
import { usableNetworks } from "../planning/usable-networks.ts";
import { VERSION } from "../version.ts";

export function metricsSource(
  coordinator: Coordinator,
  capacity: CapacityPolicy,
): CoordinatorMetricsSource {
  return { summary: () => summarize(coordinator, capacity) };
}

function summarize(coordinator: Coordinator, capacity: CapacityPolicy): CoordinatorSummary {
  const { ledger, observations } = coordinator;
  const { view } = ledger;
  const vmsByState = new Map<string, number>();
  for (const vm of view.vms.values()) {
    const { state } = vmView(vm, { view, observations });
    vmsByState.set(state, (vmsByState.get(state) ?? 0) + 1);
  }
  return {
    version: VERSION,
    clusterId: view.cluster.id,
    hosts: [...view.hosts.values()].map((host) => hostSummary(host, coordinator, capacity)),
    vmsByState,
    ha: haSummary(coordinator),
    networks: [...view.networks.keys()].map((name) => networkSummary(name, coordinator)),
    unusableNetworks: unusableNetworks(coordinator),
    macClashes: macClashes(view, observations).length,
    firstBoots: firstBoots(coordinator),
    virtualClusters: virtualClusters(coordinator),
    operations: countOperations([...view.operations.values()]),
    stuck: countStuck(coordinator),
    queued: [...view.operations.values()].filter(({ state }) => state === "queued").length,
    migrations: migrations(coordinator),
    plans: countPlans([...view.plans.values()]),
    rebalance: rebalanceSummary(coordinator),
    reconcilers: coordinator.loopStatus(),
  };
}

function haSummary({ ledger: { view }, haParts }: Coordinator): CoordinatorSummary["ha"] {
  const vms = [...view.vms.values()].filter((vm) => policyOf(vm.spec).restart !== "never");
  return {
    isArmed: haSwitchOf(view.cluster).mode === "armed",
    isBraked: haParts.brake() !== undefined,
    vms: vms.length,
    vmsInError: vms.filter((vm) => vm.recovery?.error !== undefined).length,
  };
}

function networkSummary(name: string, { observations }: Coordinator) {
  const states = [...observations.hosts().values()].map((host) => host.networks.get(name)?.state);
  return {
    name,
    ready: states.filter((state) => state === "ready").length,
    failed: states.filter((state) => state === "failed").length,
  };
}

/** A host that is not online has an alert of its own. */
function unusableNetworks({
  ledger: { view },
  observations,
}: Coordinator): CoordinatorSummary["unusableNetworks"] {
  return [...view.hosts.values()]
    .filter((host) => observations.stateOf(host) === "online")
    .flatMap((host) =>
      usableNetworks(view, host, observations).problems.map(({ network }) => ({
        network,
        host: host.name,
      })),
    );
}

function firstBoots({ ledger }: Coordinator): CoordinatorSummary["firstBoots"] {
  const counts = new Map<ContextState, number>();
  for (const context of ledger.view.contexts.values()) {
    const state = contextStateOf(context);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

function virtualClusters({
  ledger: { view },
  observations,
  wall,
}: Coordinator): CoordinatorSummary["virtualClusters"] {
  const nowMs = wall().getTime();
  return [...view.virtualClusters.values()].map((cluster) => ({
    name: cluster.name,
    state: clusterState(cluster, { view, observations }),
    ...(cluster.lease === undefined
      ? {}
      : { leaseSeconds: (Date.parse(cluster.lease.endsAt) - nowMs) / 1_000 }),
  }));
}

function countOperations(operations: readonly OperationRecord[]): CoordinatorSummary["operations"] {
  const counts = new Map<string, CoordinatorSummary["operations"][number]>();
  for (const { type, state } of operations) {
    const key = `${type} ${state}`;
    counts.set(key, { type, state, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

function countStuck({ ledger, runner }: Coordinator): CoordinatorSummary["stuck"] {
  const counts = new Map<string, CoordinatorSummary["stuck"][number]>();
  for (const { operation, step } of planStuck(ledger.view.operations.values(), (id) =>
    runner.stillMs(id),
  )) {
    const { type } = operation;
    const key = `${type} ${step}`;
    counts.set(key, { type, step, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

function countPlans(plans: readonly PlanRecord[]): CoordinatorSummary["plans"] {
  const counts = new Map<string, CoordinatorSummary["plans"][number]>();
  for (const { kind, state } of plans) {
    const key = `${kind} ${state}`;
    counts.set(key, { kind, state, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

function rebalanceSummary({ ledger, rebalancer }: Coordinator): CoordinatorSummary["rebalance"] {
  const { score, scorePossible, movesPossible, movesLastDay } = rebalancer.status();
  return {
    automation: ledger.view.policy.rebalance.automation,
    ...(score === undefined ? {} : { score }),
    ...(scorePossible === undefined ? {} : { scorePossible }),
    movesPossible,
    movesLastDay,
  };
}

function migrations({ ledger, runner }: Coordinator): readonly MigrationSummary[] {
  const { view } = ledger;
  return [...view.operations.values()]
    .filter((operation) => operation.type === "vm-migrate" && !isEnded(operation.state))
    .map((operation) => {
      // The type of an operation fixes the form of its parameters.
      const { vmId, sourceId, targetId } = operation.parameters as MigrateVmParameters;
      const stats = runner.viewOf(operation).migration;
      return {
        vm: view.vms.get(vmId)?.spec.name ?? vmId,
        source: view.hosts.get(sourceId)?.name ?? sourceId,
        target: view.hosts.get(targetId)?.name ?? targetId,
        ...(stats === undefined ? {} : { stats }),
      };
    });
}

function hostSummary(
  host: HostRecord,
  coordinator: Coordinator,
  capacity: CapacityPolicy,
): HostSummary {
  const { ledger, observations, sessions } = coordinator;
  const observed = observations.get(host.id);
  const { load, inventory } = observed ?? {};
  const { placed, wild, ...use } = hostUse(host, { view: ledger.view, observations, capacity });
  return {
    name: host.name,
    state: observations.stateOf(host),
    cordoned: host.cordoned,
    ...use,
    ...(load === undefined || inventory === undefined
      ? {}
      : {
          used: {
            cpus: load.cpuUsedRatio * inventory.cpu.logicalCpus,
            memoryBytes: inventory.memoryBytes - load.memoryAvailableBytes,
          },
        }),
    vms: placed.length,
    watchdogTimeoutMs: host.watchdog?.timeoutMs ?? 0,
    wildVms: wild.length,
    session: sessions.summaryOf(host.id),
  };
}
