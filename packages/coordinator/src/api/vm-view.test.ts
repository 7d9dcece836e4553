import { operationIdFrom, type VmRecord } from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Observations } from "../observations/observations.ts";
import {
  aHost,
  anOperation,
  aVm,
  hostIdOf,
  onHost,
  report,
  seen,
  viewOf,
} from "../testing/builders.ts";
import { vmView } from "./vm-view.ts";

type Sight = Parameters<typeof seen>[1];

function shown(how: {
  readonly vm?: Partial<VmRecord>;
  readonly here?: Sight | "nothing" | "silent" | "libvirt down";
  readonly there?: Sight;
  readonly operation?: string;
}): readonly string[] {
  const operationId = operationIdFrom(1);
  const held = how.operation === undefined ? {} : { operationId };
  const record = aVm(1, { placement: onHost(1), ...how.vm, ...held });
  const view = viewOf(["host", aHost(1)], ["host", aHost(2)], ["vm", record]);
  if (how.operation !== undefined) {
    view.put("operation", anOperation(1, { type: how.operation, state: "running" }));
  }
  const observations = new Observations(new SimulatedClock());
  const { here = {} } = how;
  report(
    observations,
    1,
    here === "nothing" ? [] : [seen(1, typeof here === "string" ? {} : here)],
  );
  if (here === "silent") observations.sessionClosed(hostIdOf(1));
  if (here === "libvirt down") observations.heartbeat(hostIdOf(1), false);
  report(observations, 2, how.there === undefined ? [] : [seen(1, how.there)]);
  const { state, trouble } = vmView(record, { view, observations });
  return [state, trouble];
}

describe("a VM as people see it", () => {
  it.each([
    [{}, "running", ""],
    [{ here: { state: "stopped" } }, "stopped", ""],
    [{ here: { state: "crashed" } }, "crashed", ""],
    [{ here: { state: "stopping" } }, "stopping", ""],
    [{ here: "nothing" }, "missing", "host h1 does not have it"],
    [{ here: "silent" }, "unknown", "host h1 is not connected"],
    [{ here: "libvirt down" }, "running", "libvirt on h1 does not answer"],
    [{ vm: { placement: onHost(9) } }, "unknown", "its host was removed"],
    [{ there: {} }, "running", "runs on more than one host: h1, h2"],
    [{ there: {}, vm: { target: onHost(2, 2) }, operation: "vm-migrate" }, "migrating", ""],
    [{ there: { managed: false } }, "running", ""],
    [{ vm: { created: false }, operation: "vm-create" }, "creating", ""],
    [
      { vm: { created: false } },
      "running",
      "its creation failed and could not be undone; remove it with: muster vm rm --force",
    ],
    [{ operation: "vm-delete" }, "deleting", ""],
    [{ operation: "vm-delete", here: "silent" }, "deleting", ""],
    [{ operation: "vm-stop" }, "running", ""],
  ] as const)("%o is %s: %s", (how, state, trouble) => {
    expect(shown(how)).toStrictEqual([state, trouble]);
  });
});
