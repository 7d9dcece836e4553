/** The model's words for the wire's enums. A value this version does not know is "unrecognized", never a guess. */
import { HaMode, HostState, OperationState, StepState, VmDisplayState } from "@muster/proto/admin";
import { HaRestart, NetworkState, VmState } from "@muster/proto/types";

const UNSPECIFIED = "unspecified";
const UNRECOGNIZED = "unrecognized";

const hostStates = {
  [HostState.UNSPECIFIED]: UNSPECIFIED,
  [HostState.ONLINE]: "online",
  [HostState.UNKNOWN]: "unknown",
  [HostState.JOINING]: "joining",
  [HostState.LOST]: "lost",
  [HostState.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<HostState, string>;

const haModes = {
  [HaMode.UNSPECIFIED]: UNSPECIFIED,
  [HaMode.ARMED]: "armed",
  [HaMode.FREEZE]: "freeze",
  [HaMode.IGNORE]: "ignore",
  [HaMode.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<HaMode, string>;

const haRestarts = {
  [HaRestart.UNSPECIFIED]: "never",
  [HaRestart.NEVER]: "never",
  [HaRestart.ON_FAILURE]: "on-failure",
  [HaRestart.ALWAYS]: "always",
  [HaRestart.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<HaRestart, string>;

const vmDisplayStates = {
  [VmDisplayState.UNSPECIFIED]: UNSPECIFIED,
  [VmDisplayState.CREATING]: "creating",
  [VmDisplayState.STOPPED]: "stopped",
  [VmDisplayState.RUNNING]: "running",
  [VmDisplayState.PAUSED]: "paused",
  [VmDisplayState.STOPPING]: "stopping",
  [VmDisplayState.MIGRATING]: "migrating",
  [VmDisplayState.CRASHED]: "crashed",
  [VmDisplayState.UNKNOWN]: "unknown",
  [VmDisplayState.MISSING]: "missing",
  [VmDisplayState.DELETING]: "deleting",
  [VmDisplayState.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<VmDisplayState, string>;

const vmStates = {
  [VmState.UNSPECIFIED]: UNSPECIFIED,
  [VmState.STOPPED]: "stopped",
  [VmState.RUNNING]: "running",
  [VmState.PAUSED]: "paused",
  [VmState.STOPPING]: "stopping",
  [VmState.CRASHED]: "crashed",
  [VmState.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<VmState, string>;

const operationStates = {
  [OperationState.UNSPECIFIED]: UNSPECIFIED,
  [OperationState.QUEUED]: "queued",
  [OperationState.RUNNING]: "running",
  [OperationState.UNDOING]: "undoing",
  [OperationState.SUCCEEDED]: "succeeded",
  [OperationState.FAILED]: "failed",
  [OperationState.CANCELLED]: "cancelled",
  [OperationState.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<OperationState, string>;

const stepStates = {
  [StepState.UNSPECIFIED]: UNSPECIFIED,
  [StepState.WAITING]: "waiting",
  [StepState.RUNNING]: "running",
  [StepState.DONE]: "done",
  [StepState.FAILED]: "failed",
  [StepState.UNDONE]: "undone",
  [StepState.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<StepState, string>;

const networkStates = {
  [NetworkState.UNSPECIFIED]: UNSPECIFIED,
  [NetworkState.READY]: "ready",
  [NetworkState.FAILED]: "failed",
  [NetworkState.MISSING]: "missing",
  [NetworkState.UNRECOGNIZED]: UNRECOGNIZED,
} as const satisfies Record<NetworkState, string>;

/** Proto3 keeps numbers a newer coordinator sends, so a value may lie outside its type. */
function wordIn<Word extends string>(
  words: Readonly<Record<number, Word>>,
  value: number,
): Word | typeof UNRECOGNIZED {
  return words[value] ?? UNRECOGNIZED;
}

export type HostStateWord = (typeof hostStates)[HostState];
export type VmStateWord = (typeof vmDisplayStates)[VmDisplayState];
export type VmObservedWord = (typeof vmStates)[VmState];
export type OperationStateWord = (typeof operationStates)[OperationState];
export type StepStateWord = (typeof stepStates)[StepState];
export type NetworkStateWord = (typeof networkStates)[NetworkState];

export type HaModeWord = (typeof haModes)[HaMode];
export type HaRestartWord = (typeof haRestarts)[HaRestart];

export const haModeWord = (value: HaMode): HaModeWord => wordIn(haModes, value);
export const haRestartWord = (value: HaRestart): HaRestartWord => wordIn(haRestarts, value);
export const hostStateWord = (value: HostState): HostStateWord => wordIn(hostStates, value);
export const vmStateWord = (value: VmDisplayState): VmStateWord => wordIn(vmDisplayStates, value);
export const vmObservedWord = (value: VmState): VmObservedWord => wordIn(vmStates, value);
export const stepStateWord = (value: StepState): StepStateWord => wordIn(stepStates, value);
export const networkStateWord = (value: NetworkState): NetworkStateWord =>
  wordIn(networkStates, value);
export const operationStateWord = (value: OperationState): OperationStateWord =>
  wordIn(operationStates, value);

const ended: ReadonlySet<OperationStateWord> = new Set(["succeeded", "failed", "cancelled"]);

export const isEndedWord = (state: OperationStateWord): boolean => ended.has(state);
