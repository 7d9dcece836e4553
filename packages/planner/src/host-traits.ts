import type { HostSnapshot, Policy } from "./snapshot.ts";

/** The spelling of each kind of trait, so that hosts and requests agree on it. */
export const trait = {
  network: (name: string) => `network:${name}`,
  storage: (name: string) => `storage:${name}`,
  label: (key: string, value: string) => `label:${key}=${value}`,
  machineType: (name: string) => `machine:${name}`,
  cpuModel: (name: string) => `cpu-model:${name}`,
  cpuFeature: (name: string) => `cpu-feature:${name}`,
  pool: (name: string) => `pool:${name}`,
  tenant: (name: string) => `tenant:${name}`,
  environment: (name: string) => `environment:${name}`,
} as const;

/** What may run on a host of this environment. A host or a VM without one is of the environment "". */
export function environmentsAllowedOn(
  host: HostSnapshot,
  policy: Policy | undefined,
): readonly string[] {
  const own = host.environment ?? "";
  return policy?.environments?.[own] ?? [own];
}

/** Networks that every host should have and that this one lacks. */
export const requiredNetworkProblems = ({ networkProblems = [] }: HostSnapshot) =>
  networkProblems.filter(({ required }) => required);

export function traitsOfHost(host: HostSnapshot, policy: Policy | undefined): readonly string[] {
  return [
    ...(host.networks ?? []).map(trait.network),
    ...(host.storages ?? []).map((storage) => trait.storage(storage.name)),
    ...Object.entries(host.labels ?? {}).map(([key, value]) => trait.label(key, value)),
    ...(host.machineTypes ?? []).map(trait.machineType),
    ...(host.cpuModels ?? []).map(trait.cpuModel),
    ...(host.cpuFeatures ?? []).map(trait.cpuFeature),
    ...(host.pool === undefined ? [] : [trait.pool(host.pool)]),
    ...(host.tenants ?? []).map(trait.tenant),
    ...environmentsAllowedOn(host, policy).map(trait.environment),
  ];
}
