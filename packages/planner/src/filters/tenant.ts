import { hostAt, always, type Filter } from "../filter.ts";

/** A host given to some tenants takes nobody else's VMs. */
export const tenant: Filter = {
  name: "tenant",
  applies: always,
  passes: (usage, want, host) =>
    usage.forAllTenants[host] === 1 || usage.traits.hasAll(host, want.facts().tenant),
  refuse: (usage, want, host) => [
    {
      check: "tenant",
      tenant: want.shape.tenant ?? "",
      allowed: hostAt(usage, host).tenants ?? [],
    },
  ],
};
