/**
 * Gives a VM another policy. It holds only once the host that has the VM knows it: a host that was never told would
 * neither stop the VM when its lease ends nor leave it alone after a boot (S1). So it fails when that host is away.
 */
import { isGuarded, policyOf, type HaPolicy, type VmId, type VmRecord } from "@muster/model";
import { put } from "../ledger/ledger.ts";
import { hostNameOf } from "./create-vm.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";
import { heldVm, released } from "./vm-release.ts";

export interface ChangePolicyParameters {
  readonly vmId: VmId;
  /** Absent: none. */
  readonly before?: HaPolicy;
}

type Context = StepContext<ChangePolicyParameters>;

export function withPolicy(vm: VmRecord, policy: HaPolicy | undefined): VmRecord {
  const { ha: _ha, ...spec } = vm.spec;
  return { ...vm, spec: policy === undefined ? spec : { ...spec, ha: policy } };
}

async function confirm(context: Context): Promise<void> {
  const { ledger, parameters } = context;
  const { vmId } = parameters;
  const hostId = ledger.view.vms.get(vmId)?.placement?.hostId;
  if (hostId !== undefined) await context.command(hostId, { kind: "confirm-policy", vmId });
}

/**
 * Nobody knows which of the two the host goes by, so the one holds under which the VM is the less likely to be started
 * elsewhere.
 */
const settled = (vm: VmRecord, before: HaPolicy | undefined): VmRecord =>
  rank(before) <= rank(vm.spec.ha) ? withPolicy(vm, before) : vm;

function rank(policy: HaPolicy | undefined): number {
  if (policy === undefined || policy.restart === "never") return 0;
  return isGuarded(policy) ? 2 : 1;
}

const tellHost: StepDefinition<ChangePolicyParameters> = {
  name: "tell-host",
  host: hostNameOf,
  async run(context) {
    context.phase("telling the host");
    await confirm(context);
  },
  async undo({ ledger, operation, parameters }) {
    await ledger.transact((view) => {
      const vm = heldVm(view, operation, parameters.vmId);
      const changes = vm === undefined ? [] : [put("vm", settled(vm, parameters.before))];
      return { changes, result: undefined };
    });
  },
};

export const changePolicy: OperationType<ChangePolicyParameters> = {
  name: "vm-set",
  verb: "set",
  steps: () => [tellHost],
  ended(view, operation) {
    const vm = heldVm(view, operation, operation.parameters.vmId);
    if (vm === undefined) return [];
    const { recovery, ...free } = released(vm);
    const isHa = policyOf(vm.spec).restart !== "never";
    return [put("vm", isHa && recovery !== undefined ? { ...free, recovery } : free)];
  },
};
