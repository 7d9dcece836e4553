/** The promises, as checks of a simulated cluster. Each returns what is broken, in a sentence; nothing is good. */
import { isActive, isEnded } from "@muster/model";
import { vmView } from "@muster/coordinator";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/** What must hold at every moment. */
export function checkNow(cluster: SimulatedCluster): readonly string[] {
  const owners = cluster.world.violations.map(
    ({ atMs, message }) => `S1 at ${String(atMs)} ms: ${message}`,
  );
  return [...owners, ...(cluster.isCoordinatorUp ? checkClaims(cluster) : [])];
}

/** S3: claims never exceed a host's capacity or break a required rule. */
function checkClaims(cluster: SimulatedCluster): readonly string[] {
  const { view } = cluster.coordinator.ledger;
  const broken: string[] = [];
  for (const host of view.hosts.values()) {
    const placed = [...view.vms.values()].filter(
      (vm) => vm.placement?.hostId === host.id || vm.target?.hostId === host.id,
    );
    const inventory = cluster.coordinator.observations.get(host.id)?.inventory;
    if (inventory === undefined) continue;
    const cpus = placed.reduce((sum, vm) => sum + vm.spec.cpus, 0);
    const memory = placed.reduce((sum, vm) => sum + vm.spec.memoryBytes, 0n);
    const cpusMax = inventory.cpu.logicalCpus * cluster.capacity.cpuOvercommit;
    const memoryMax = inventory.memoryBytes - cluster.capacity.memoryReservedBytes;
    if (cpus > cpusMax)
      broken.push(`S3: ${host.name} has ${String(cpus)} of ${String(cpusMax)} CPUs claimed`);
    if (memory > memoryMax)
      broken.push(`S3: ${host.name} has ${String(memory)} of ${String(memoryMax)} bytes claimed`);
    const groups = placed.flatMap((vm) => vm.spec.antiAffinityGroups);
    if (new Set(groups).size !== groups.length)
      broken.push(`S3: ${host.name} has two VMs of one anti-affinity group`);
  }
  return broken;
}

/** What must hold once everything is healed and quiet. */
export function checkAtRest(cluster: SimulatedCluster): readonly string[] {
  return [
    ...checkNow(cluster),
    ...checkOperations(cluster),
    ...checkTruth(cluster),
    ...checkLeaks(cluster),
  ];
}

/** S4: an accepted operation is never lost. */
function checkOperations(cluster: SimulatedCluster): readonly string[] {
  const { view } = cluster.coordinator.ledger;
  const stuck = [...view.operations.values()].filter(({ state }) => !isEnded(state));
  const held = [...view.vms.values()].filter(
    (vm) => vm.operationId !== undefined || vm.target !== undefined,
  );
  return [
    ...stuck.map(({ id, type, state }) => `S4: operation ${id} (${type}) is still ${state}`),
    ...held.map((vm) => `S4: VM ${vm.spec.name} is still held by ${vm.operationId ?? "a claim"}`),
  ];
}

/** The API tells the truth: every VM is where and what it says. */
function checkTruth(cluster: SimulatedCluster): readonly string[] {
  const { ledger, observations } = cluster.coordinator;
  const broken: string[] = [];
  for (const vm of ledger.view.vms.values()) {
    const { state, hostName, trouble } = vmView(vm, { view: ledger.view, observations });
    const runners = cluster.world.runningOn(vm.id);
    const shownAsRunning = state === "running" || state === "paused" || state === "stopping";
    const where = runners.join(", ");
    if (runners.length > 1) broken.push(`S1: ${vm.spec.name} runs on ${where}`);
    if (shownAsRunning && runners[0] !== hostName) {
      broken.push(`truth: ${vm.spec.name} is shown ${state} on ${hostName}, it runs on "${where}"`);
    }
    if (!shownAsRunning && runners.length > 0) {
      broken.push(`truth: ${vm.spec.name} is shown ${state} (${trouble}), it runs on "${where}"`);
    }
    if (
      state === "unknown" ||
      state === "migrating" ||
      state === "creating" ||
      state === "deleting"
    ) {
      broken.push(`truth: ${vm.spec.name} is still shown ${state}`);
    }
  }
  return broken;
}

/** Nothing is left of what failed, was undone or was deleted. */
function checkLeaks(cluster: SimulatedCluster): readonly string[] {
  const { view } = cluster.coordinator.ledger;
  const broken: string[] = [];
  for (const host of cluster.hostNames) {
    for (const domain of cluster.world.domains(host, view.cluster.id)) {
      const vm = view.vms.get(domain.id);
      const placedHere =
        vm?.placement !== undefined && view.hosts.get(vm.placement.hostId)?.name === host;
      if (vm === undefined) broken.push(`leak: domain ${domain.name} on ${host} belongs to no VM`);
      else if (!placedHere && isActive(domain.state))
        broken.push(`leak: ${domain.name} runs on ${host}, not where it is placed`);
      else if (!placedHere)
        broken.push(
          `leak: ${domain.name} is still defined on ${host} (${domain.state}, ${domain.reason})`,
        );
    }
    for (const { command, result } of cluster.journalOf(host).entries()) {
      const how = result === undefined ? "begun" : "finished";
      broken.push(`leak: ${command.commandId} is still in the journal of ${host} (${how})`);
    }
  }
  const known = new Set(
    [...view.vms.values()].flatMap((vm) =>
      vm.spec.disks.map((_disk, index) => `${vm.id}-${String(index)}`),
    ),
  );
  for (const volume of cluster.world.volumes(cluster.hostNames[0] ?? "h1", "shared")) {
    if (!known.has(volume.replace(/\.qcow2$/, "")))
      broken.push(`leak: volume ${volume} belongs to no VM`);
  }
  return broken;
}
