/** What stories of failing hosts share: how their cluster is set up, and how they look at it. */
import { noHaPolicy, type HaPolicy, type VmRecord } from "@muster/model";
import { encodeHaPolicy } from "@muster/model/wire";
import type { HaMode } from "@muster/proto/admin";
import { createVmRequest } from "./requests.ts";
import { SimulatedCluster, type SimulatedClusterOptions } from "./simulated-cluster.ts";

const WAIT_MS = 60 * 60_000;
export const why = undefined;
export const onFailure: HaPolicy = { ...noHaPolicy, restart: "on-failure" };

export async function start(
  options: Partial<SimulatedClusterOptions> = {},
): Promise<SimulatedCluster> {
  return SimulatedCluster.start({ seed: 1, hosts: 3, ...options });
}

export async function create(
  cluster: SimulatedCluster,
  name: string,
  options: { readonly host?: string; readonly policy?: HaPolicy } = {},
): Promise<void> {
  const { host = "h1", policy } = options;
  const request = createVmRequest({ name, host, storage: "shared" });
  const ha = policy === undefined ? undefined : encodeHaPolicy(policy);
  const spec = request.spec === undefined ? undefined : { ...request.spec, ha };
  await cluster.api.vms.createVm({ ...request, spec }, cluster.api.context);
  const isUp = (): boolean =>
    runners(cluster, name).length === 1 && vmOf(cluster, name).operationId === undefined;
  await until(cluster, isUp);
}

export const vmOf = (cluster: SimulatedCluster, name: string): VmRecord => {
  const vm = cluster.coordinator.ledger.view.vmByName(name);
  if (vm === undefined) throw new Error(`there is no VM ${name}`);
  return vm;
};

export const runners = (cluster: SimulatedCluster, name: string): readonly string[] =>
  cluster.world.runningOn(vmOf(cluster, name).id);

export async function until(cluster: SimulatedCluster, condition: () => boolean): Promise<void> {
  if (!(await cluster.clock.runUntil(condition, WAIT_MS))) throw new Error("it never came to that");
}

export const secondsUntil = async (
  cluster: SimulatedCluster,
  condition: () => boolean,
): Promise<number> => {
  const beganMs = cluster.clock.now();
  await until(cluster, condition);
  return (cluster.clock.now() - beganMs) / 1000;
};

export const stateOf = (cluster: SimulatedCluster, host: string) => {
  const record = cluster.coordinator.ledger.view.hostByName(host);
  return record === undefined ? "gone" : cluster.coordinator.observations.stateOf(record);
};

export const nextFor = async (cluster: SimulatedCluster, host: string): Promise<string> => {
  const { hosts } = await cluster.api.ha.getHa({}, cluster.api.context);
  return hosts.find((shown) => shown.host === host)?.next ?? "";
};

export const setFence = (cluster: SimulatedCluster, host: string, viaHost = "") =>
  cluster.api.fenceDevices.setHostFence(
    {
      host,
      devices: [
        {
          agent: "fence_simulated",
          parameters: { plug: host, password: "secret" },
          secrets: ["password"],
          viaHost,
        },
      ],
      why,
    },
    cluster.api.context,
  );

export const setMode = (cluster: SimulatedCluster, mode: HaMode) =>
  cluster.api.ha.setHa({ mode, why }, cluster.api.context);

export const recoveries = (cluster: SimulatedCluster): readonly string[] =>
  [...cluster.coordinator.ledger.view.operations.values()]
    .filter(({ type }) => type === "host-recover")
    .map(({ state }) => state);
