/** Starts one move of a drain or a plan as an operation of its own, decided against the cluster as it is now. */
import { errorCodes, isMusterError, MusterError, type HostId, type VmId } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import { homeOf } from "../planning/cluster-snapshot.ts";
import { decideMigrate } from "../planning/decide-migrate.ts";
import type { MigrateVmParameters } from "./migrate-vm.ts";
import type { Accepted } from "./operation-runner.ts";
import type { StepContext } from "./operation-type.ts";

export interface WantedMove {
  readonly vmId: VmId;
  readonly fromId: HostId;
  readonly requestId: string;
  /** Each is tried in turn; undefined lets the planner choose. */
  readonly choices: readonly (HostId | undefined)[];
  /** "op-000012 drains host h1". */
  readonly reason: string;
  readonly copyStorage: boolean;
  readonly tls: boolean;
  /** The VM is to be brought back: unless it has a home, where it leaves is remembered. */
  readonly remember: boolean;
}

type Context = Pick<StepContext<unknown>, "operation" | "observations" | "snapshots" | "submit">;

/** Answers why not, when it could not start. */
export async function startMove(
  context: Context,
  move: WantedMove,
): Promise<MusterError | undefined> {
  let refusal: MusterError | undefined;
  for (const targetId of move.choices) {
    try {
      await context.submit({ requestId: move.requestId, type: "vm-migrate" }, (view) =>
        accept(context, move, { view, targetId }),
      );
      return undefined;
    } catch (error) {
      if (!isMusterError(error)) throw error;
      refusal = error;
      if (errorCodes[error.code].retry) return refusal;
    }
  }
  return refusal;
}

function accept(
  { operation, observations, snapshots }: Context,
  move: WantedMove,
  { view, targetId }: { readonly view: LedgerView; readonly targetId: HostId | undefined },
): Accepted<MigrateVmParameters> {
  const { vmId, fromId, copyStorage, tls } = move;
  const vm = view.vms.get(vmId);
  if (vm === undefined) throw new MusterError("not-found", `VM ${vmId} is gone`);
  if (vm.operationId !== undefined) {
    throw new MusterError("busy", `VM ${vm.spec.name} is busy with ${vm.operationId}`);
  }
  if (observations.get(fromId)?.vms.get(vmId)?.state === "stopping") {
    throw new MusterError("busy", `VM ${vm.spec.name} is shutting down`);
  }
  const target = targetId === undefined ? undefined : view.hosts.get(targetId);
  const away = move.remember && homeOf(vm) === undefined ? { away: fromId } : {};
  const decided = decideMigrate(
    view,
    { vm: { ...vm, ...away }, copyStorage, ...(target === undefined ? {} : { target }) },
    { snapshot: snapshots.take(), sourceHost: observations.get(fromId) },
  );
  return {
    operation: {
      type: "vm-migrate",
      subject: `vm/${vm.spec.name}`,
      reason: move.reason,
      requestedBy: operation.requestedBy,
      requestId: move.requestId,
      explanation: decided.explanation,
      parameters: {
        vmId: vm.id,
        sourceId: decided.source.id,
        targetId: decided.target.id,
        targetAddress: observations.get(decided.target.id)?.migrationAddress ?? "",
        generation: decided.generation,
        bandwidthMibPerSecond: 0,
        autoConverge: true,
        copyStorage,
        downtimeLimitMs: 0,
        tls,
      },
    },
    changes: decided.changes,
  };
}
