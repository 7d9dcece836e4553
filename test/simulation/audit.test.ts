/** Whatever people change is in the audit trail, in the same transaction, and what operations do later is not. */
import { describe, expect, it } from "vitest";
import { createVmRequest } from "./requests.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const trail = ({ coordinator }: SimulatedCluster) =>
  [...coordinator.ledger.view.audit.values()].map(({ who, from, why, changes }) => ({
    who,
    from,
    why,
    things: changes.map(({ thing }) => thing).toSorted(),
  }));

describe("the audit trail", () => {
  it("has who, from where, why and what, and outlives the coordinator", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 1, hosts: 2 });
    const why = { reason: "the shop opens", dryRun: false, requestId: "" };
    await cluster.api.vms.createVm(
      { ...createVmRequest({ name: "web", host: "h1" }), why },
      cluster.api.context,
    );
    await cluster.clock.runFor(10_000);
    await cluster.api.hosts.setHostCordon({ host: "h2", cordoned: true, why }, cluster.api.context);
    cluster.killCoordinator();
    await cluster.startCoordinator();
    const common = { who: "simulation", from: "local socket", why: "the shop opens" };
    expect(trail(cluster)).toStrictEqual([
      { ...common, things: [expect.stringMatching("operation/op-"), "vm/web"] },
      { ...common, things: ["host/h2"] },
    ]);
    const cordon = [...cluster.coordinator.ledger.view.audit.values()].at(-1)?.changes[0];
    expect(cordon).toMatchObject({
      before: expect.stringContaining('"cordoned":false') as string,
      after: expect.stringContaining('"cordoned":true') as string,
    });
  });

  it("has nothing of what was refused, or only asked", async () => {
    await using cluster = await SimulatedCluster.start({ seed: 1, hosts: 1 });
    const huge = createVmRequest({ name: "huge", memoryBytes: 1n << 60n });
    await expect(cluster.api.vms.createVm(huge, cluster.api.context)).rejects.toThrow();
    await cluster.api.hosts.listHosts({}, cluster.api.context);
    expect(trail(cluster)).toStrictEqual([]);
  });
});
