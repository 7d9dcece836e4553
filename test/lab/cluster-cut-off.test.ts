/**
 * A change that cuts a host off comes back by itself, whatever else happens. Once for each fault here; ten times each is
 * `npm run soak -- networks --cut-off`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { CONFIRM_MS, CutOff, faults, GRACE_MS } from "./cut-off.ts";

describe("a change of a host's own interfaces", () => {
  let cluster: Cluster;
  let cutOff: CutOff;

  beforeAll(async () => {
    cluster = await Cluster.up({
      hosts: 1,
      directory: "/tmp/muster-cut-off",
      coordinatorOptions: { "sessions.network-confirm": `${String(CONFIRM_MS)}ms` },
    });
    cutOff = new CutOff(cluster, "h1");
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it("moves the management address to a bridge, and stays", async () => {
    await cutOff.prepare();
    const shown = await cluster.muster.muster(["host", "interfaces", "show", "h1"]);
    expect(shown.stdout).toContain("brmgmt");
  });

  it("is refused without the override where it carries the agent's connection", async () => {
    expect(await cutOff.refused()).toMatch(/carries its agent's connection to the coordinator/);
  });

  it.each(faults)("that cuts the host off comes back in time: %s", async (fault) => {
    expect(await cutOff.round(fault)).toBeLessThan(CONFIRM_MS + GRACE_MS);
  });
});
