/** Whole configurations on a real Open vSwitch; all 200 of them are `npm run soak -- networks`. */
import { describe, expect, it } from "vitest";
import { tryOnOpenvswitch } from "../testing/openvswitch-configurations.ts";
import { openvswitchObstacle } from "../testing/private-openvswitch.ts";

const obstacle = openvswitchObstacle();
if (obstacle !== undefined) console.warn(`Open vSwitch is not tested: ${obstacle}`);

/** As many as fit into some ten seconds of a machine that has nothing else to do. */
const CONFIGURATIONS = 2;

describe.skipIf(obstacle !== undefined)("random configurations on Open vSwitch", () => {
  it("are made, reached from others and removed, however often the agent dies", async () => {
    const totals = await tryOnOpenvswitch({ first: 0, count: CONFIGURATIONS });
    expect(totals.configurations).toBe(CONFIGURATIONS);
    expect(totals.interruptions).toBeGreaterThan(CONFIGURATIONS);
  });
});
