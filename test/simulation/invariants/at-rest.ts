/** The promises, as checks of a simulated cluster. Each returns what is broken, in a sentence; nothing is good. */
import { isActive, isEnded, vlanOf } from "@muster/model";
import { checkClusters } from "./check-clusters.ts";
import { vmView } from "@muster/coordinator";
import type { SimulatedCluster } from "../simulated-cluster.ts";

/** What must hold at every moment. */
export function checkNow(cluster: SimulatedCluster): readonly string[] {
  const owners = cluster.world.violations.map(
    ({ atMs, message }) => `S1 at ${String(atMs)} ms: ${message}`,
  );
  return [
    ...owners,
    ...cluster.guard.violations,
    ...cluster.ledgerWatch.violations,
    ...cluster.networkWatch.violations,
    ...cluster.secrets.violations,
  ];
}

/** What must hold once everything is healed and quiet. */
export function checkAtRest(cluster: SimulatedCluster): readonly string[] {
  cluster.secrets.saw(
    "the events",
    JSON.stringify(cluster.coordinator.events.recent(10_000), (_key, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    ),
  );
  return [
    ...checkNow(cluster),
    ...checkOperations(cluster),
    ...checkTruth(cluster),
    ...checkHosts(cluster),
    ...checkLeaks(cluster),
    ...checkNetworks(cluster),
    ...checkClusters(cluster.coordinator.ledger.view),
    ...checkImages(cluster),
  ];
}

/** Nothing half-made in the books, and no disk holds an image whose VM is not there. */
function checkImages(cluster: SimulatedCluster): readonly string[] {
  const { view } = cluster.coordinator.ledger;
  const books = [...view.images.values()].flatMap(({ name, version, contents, operationId }) => [
    ...(contents === undefined ? [`leak: nobody has read image ${name}:${version}`] : []),
    ...(operationId === undefined
      ? []
      : [`S4: image ${name}:${version} is held by ${operationId}`]),
  ]);
  const uses = cluster.hostNames.flatMap((host) =>
    cluster.library
      .usersOn(host)
      .filter((vmId) => !view.vms.has(vmId))
      .map((vmId) => `leak: ${host} keeps an image for VM ${vmId}, which is gone`),
  );
  return [...books, ...uses];
}

/** Every host that is in the cluster is connected, and none that is not (S6). */
function checkHosts(cluster: SimulatedCluster): readonly string[] {
  const { ledger, observations } = cluster.coordinator;
  const away = [...ledger.view.hosts.values()].filter(
    (host) => observations.stateOf(host) !== "online",
  );
  const strangers = [...observations.hosts().keys()].filter((id) => !ledger.view.hosts.has(id));
  return [
    ...away.map((host) => `truth: ${host.name} is ${observations.stateOf(host)}, and it is up`),
    ...strangers.map((id) => `S6: host ${id} was removed and is still listened to`),
  ];
}

/** Every host has the networks it should have, and no others. */
export function checkNetworks(cluster: SimulatedCluster): readonly string[] {
  const { view } = cluster.coordinator.ledger;
  return [...view.hosts.values()].flatMap((host) => {
    const there = new Set(cluster.networksOf(host.name).networks.keys());
    const wanted = [...view.networks.values()].filter(({ removing }) => !removing);
    const missing = wanted.filter(({ spec }) => !there.has(spec.name));
    const other = wanted.filter(({ spec }) => {
      const found = cluster.networksOf(host.name).networks.get(spec.name);
      return found !== undefined && found.vlan !== vlanOf(spec);
    });
    const held = wanted.filter(
      ({ rollout, operationId }) => rollout !== undefined || operationId !== undefined,
    );
    const extra = [...there].filter((name) => !view.networks.has(name));
    return [
      ...missing.map(({ spec }) => `leak: ${host.name} lacks network ${spec.name}`),
      ...other.map(({ spec }) => `leak: ${host.name} has network ${spec.name} on another VLAN`),
      ...held.map(({ spec }) => `S4: network ${spec.name} is still held by a change`),
      ...extra.map((name) => `leak: ${host.name} still has network ${name}`),
    ];
  });
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
    const isMember = view.hostByName(host) !== undefined;
    for (const domain of cluster.world.domains(host, view.cluster.id)) {
      if (!domain.managed || !isMember) continue;
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
    // What a removed host still remembers is nobody's any more.
    for (const { command, result } of isMember ? cluster.journalOf(host).entries() : []) {
      const how = result === undefined ? "begun" : "finished";
      broken.push(`leak: ${command.commandId} is still in the journal of ${host} (${how})`);
    }
  }
  const known = new Set(
    [...view.vms.values()].flatMap((vm) => [
      ...vm.spec.disks.map((_disk, index) => `${vm.id}-${String(index)}`),
      ...(view.contexts.get(vm.id)?.seed === "present" ? [`${vm.id}-seed.iso`] : []),
    ]),
  );
  for (const vmId of view.contexts.keys()) {
    if (!view.vms.has(vmId)) broken.push(`leak: the context of ${vmId} belongs to no VM`);
  }
  for (const volume of cluster.world.volumes(cluster.hostNames[0] ?? "h1", "shared")) {
    if (!known.has(volume.replace(/\.qcow2$/, "")))
      broken.push(`leak: volume ${volume} belongs to no VM`);
  }
  return broken;
}
