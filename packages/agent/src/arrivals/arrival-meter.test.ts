import { parseVmId, type VmObservation } from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { aVmObservation } from "../metrics/testing/a-summary.ts";
import { keptLog } from "../testing/agent-setting.ts";
import { ArrivalMeter } from "./arrival-meter.ts";

const vmId = parseVmId("b0000000-0000-4000-8000-000000000001");

/** A VM that runs here from some moment on and sends its first frame at another. */
function arriving({ framesAtMs = 20, knowsDowntime = true } = {}) {
  const clock = new SimulatedClock();
  const beganMs = clock.now();
  const state = { runs: false, announced: 0, measured: [] as number[] };
  const observe = async (): Promise<VmObservation> =>
    aVmObservation({ id: vmId, state: state.runs ? "running" : "paused" });
  const meter = new ArrivalMeter({
    source: {
      downtimeMs: async () => (knowsDowntime ? 180 : undefined),
      framesSent: async () => (clock.now() - beganMs >= framesAtMs ? 5 : 0),
      announce: async () => {
        state.announced += 1;
      },
    },
    observe,
    measured: (ms) => state.measured.push(ms),
    clock,
    log: keptLog().log,
  });
  return { clock, state, meter };
}

describe("the black-out of a VM that arrives", () => {
  it("is how long it stood still, and until its first frame here", async () => {
    const { clock, state, meter } = arriving();
    meter.expect(vmId);
    // The domain appears, paused: it is still being copied.
    meter.changed(vmId);
    await clock.runFor(10);
    state.runs = true;
    meter.changed(vmId);
    const finished = meter.finish(vmId);
    await clock.runFor(100);
    expect(await finished).toBe(190);
    expect(state).toMatchObject({ measured: [190], announced: 1 });
  });

  it("is not known of a VM that says nothing, or whose hypervisor does not tell", async () => {
    for (const silent of [arriving({ framesAtMs: 60_000 }), arriving({ knowsDowntime: false })]) {
      silent.state.runs = true;
      silent.meter.expect(vmId);
      const finished = silent.meter.finish(vmId);
      await silent.clock.runFor(6_000);
      expect(await finished).toBeUndefined();
      expect(silent.state).toMatchObject({ measured: [], announced: 1 });
    }
  });

  it("is not known of one that nobody expected: the agent was restarted meanwhile", async () => {
    const { meter, state } = arriving();
    state.runs = true;
    expect(await meter.finish(vmId)).toBeUndefined();
  });
});
