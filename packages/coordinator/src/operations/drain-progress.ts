/** How far a drain is, from the ledger and what the host says. Pure: that is what lets it go on after a restart. */
import {
  isEnded,
  type HostId,
  type OperationRecord,
  type VmId,
  type VmRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import type { HostObservation } from "../observations/observations.ts";

export interface PlannedLeave {
  readonly vmId: VmId;
  readonly targetId: HostId;
}

export interface DrainProgress {
  /** Moves of this drain that have not ended. */
  readonly active: readonly OperationRecord[];
  /** VMs that may move now or later, in the order of the plan. */
  readonly waiting: readonly WaitingVm[];
  /** VMs whose moves have failed or were cancelled, and will not be tried again. */
  readonly given: readonly { readonly vm: VmRecord; readonly last: OperationRecord }[];
  /** VMs that do not run: nothing moves them live, and nothing has to. */
  readonly resting: readonly VmRecord[];
  /** Moves of this drain that have succeeded. */
  readonly movedCount: number;
}

export interface WaitingVm {
  readonly vm: VmRecord;
  /** From 1: the number of the next try. */
  readonly attempt: number;
  /** The plan's choice; only for the first try, afterwards the planner is asked again. */
  readonly targetId?: HostId;
}

type Witness = Pick<HostObservation, "connected" | "reported" | "vms">;

/** A move that failed once may have met a bad moment; one that failed twice has met a reason. */
const TRIES_MAX = 2;

const prefixOf = (drain: Pick<OperationRecord, "id">): string => `${drain.id}/`;

/** The request id of one try at one VM: asking for the same again is the same move. */
export const moveRequestId = (
  drain: Pick<OperationRecord, "id">,
  { vm, attempt }: Pick<WaitingVm, "vm" | "attempt">,
): string => `${prefixOf(drain)}${vm.id}/${String(attempt)}`;

export function drainProgress(
  view: LedgerView,
  drain: Pick<OperationRecord, "id">,
  at: {
    readonly hostId: HostId;
    readonly planned: readonly PlannedLeave[];
    readonly observed: Witness | undefined;
  },
): DrainProgress {
  const moves = movesOf(view, drain);
  const here = [...view.vmsOn(at.hostId).values()].filter(
    (vm) => vm.placement?.hostId === at.hostId,
  );
  const order = new Map(at.planned.map(({ vmId }, index) => [vmId, index]));
  const targets = new Map(at.planned.map(({ vmId, targetId }) => [vmId, targetId]));
  const waiting: WaitingVm[] = [];
  const given: DrainProgress["given"][number][] = [];
  const resting: VmRecord[] = [];
  for (const vm of here) {
    const tried = moves.filter(({ requestId }) => requestId.includes(`/${vm.id}/`));
    const last = tried.at(-1);
    if (last !== undefined && !isEnded(last.state)) continue;
    if (isResting(vm, at.observed)) resting.push(vm);
    else if (last !== undefined && (tried.length >= TRIES_MAX || last.state === "cancelled")) {
      given.push({ vm, last });
    } else {
      const targetId = tried.length === 0 ? targets.get(vm.id) : undefined;
      const attempt = tried.length + 1;
      waiting.push({ vm, attempt, ...(targetId === undefined ? {} : { targetId }) });
    }
  }
  const place = ({ vm }: WaitingVm): number => order.get(vm.id) ?? order.size;
  return {
    active: moves.filter(({ state }) => !isEnded(state)),
    waiting: waiting.toSorted((left, right) => place(left) - place(right)),
    given,
    resting,
    movedCount: moves.filter(({ state }) => state === "succeeded").length,
  };
}

const movesOf = (
  view: LedgerView,
  drain: Pick<OperationRecord, "id">,
): readonly OperationRecord[] =>
  [...view.operations.values()].filter(
    ({ type, requestId }) => type === "vm-migrate" && requestId.startsWith(prefixOf(drain)),
  );

/** Sure not to run: said by a host that is heard, of a VM that no operation is about to start. */
function isResting(vm: VmRecord, observed: Witness | undefined): boolean {
  if (vm.operationId !== undefined) return false;
  if (observed?.connected !== true || !observed.reported) return false;
  const state = observed.vms.get(vm.id)?.state;
  return state !== "running" && state !== "paused" && state !== "stopping";
}
