/**
 * Uplinks, bonds, MTUs and one bridge per VLAN on a real kernel, and one of the random configurations; all 200 of them, and the
 * contract of network drivers with one bridge per VLAN, are `npm run soak -- networks`.
 */
import { expect, it } from "vitest";
import { runHostNetworks } from "./run-host-networks.ts";

/** As many as fit into half a minute of a machine that has nothing else to do. */
const CONFIGURATIONS = 1;

it("a host's uplinks, bonds and bridges are made, changed and removed, however often the agent dies", async () => {
  const { exitCode, log } = await runHostNetworks({
    count: CONFIGURATIONS,
    first: 0,
    withoutContract: true,
  });
  const failures = log.split("\n").filter((line) => line.startsWith("not ok"));
  if (exitCode !== 0) console.error(log);
  expect(failures).toEqual([]);
  expect(log).toContain(`# ${String(CONFIGURATIONS)} configurations, `);
  expect(exitCode).toBe(0);
});
