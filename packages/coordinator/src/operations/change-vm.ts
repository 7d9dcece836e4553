/** One change of a VM where it is: start, stop, reboot, pause, resume. */
import type { CommandAction, VmId, VmSpec } from "@muster/model";
import { hostNameOf, placedVm } from "./create-vm.ts";
import type { OperationType, StepDefinition } from "./operation-type.ts";
import { put } from "../ledger/ledger.ts";
import { heldVm, released } from "./vm-release.ts";

export type VmChange = "start" | "stop" | "reboot" | "pause" | "resume";

export interface ChangeVmParameters {
  readonly vmId: VmId;
  readonly change: VmChange;
  /** Stop: pull the plug. Reboot: reset. */
  readonly force: boolean;
  /** Stop: how long the guest may take. */
  readonly graceMs: number;
}

/** What a host gets on top of the guest's grace before the command counts as lost. */
const MARGIN_MS = 30_000;

function actionOf(
  { vmId, change, force, graceMs }: ChangeVmParameters,
  spec: VmSpec,
): CommandAction {
  switch (change) {
    case "start":
      return { kind: "start-vm", vmId, spec };
    case "stop":
      return { kind: "stop-vm", vmId, force, graceMs };
    case "reboot":
      return { kind: "reboot-vm", vmId, force };
    case "pause":
      return { kind: "pause-vm", vmId };
    case "resume":
      return { kind: "resume-vm", vmId };
  }
}

const phases: Record<VmChange, string> = {
  start: "starting",
  stop: "waiting for the guest to shut down",
  reboot: "rebooting",
  pause: "pausing",
  resume: "resuming",
};

const stepOf = (change: VmChange): StepDefinition<ChangeVmParameters> => ({
  name: change,
  host: hostNameOf,
  async run(context) {
    const { placement, spec } = placedVm(context.ledger.view, context.parameters.vmId);
    context.phase(context.parameters.force ? `${phases[change]} by force` : phases[change]);
    const limitMs = context.parameters.graceMs + MARGIN_MS;
    await context.command(placement.hostId, actionOf(context.parameters, spec), { limitMs });
  },
});

const changeOperation = (change: VmChange): OperationType<ChangeVmParameters> => ({
  name: `vm-${change}`,
  verb: change,
  steps: () => [stepOf(change)],
  ended(view, operation, outcome) {
    const vm = heldVm(view, operation, operation.parameters.vmId);
    if (vm === undefined) return [];
    // A guest that did not shut down runs on, and is still to be looked after.
    const runsOn = change === "stop" && outcome !== "succeeded";
    return [put("vm", { ...released(vm), ...(runsOn ? { wanted: "running" as const } : {}) })];
  },
});

export const changeVmOperations: readonly OperationType<ChangeVmParameters>[] = [
  changeOperation("start"),
  changeOperation("stop"),
  changeOperation("reboot"),
  changeOperation("pause"),
  changeOperation("resume"),
];
