export { assert, AssertionFailure, assertNever } from "./assert.ts";
export type { ClaimRecord } from "./claim.ts";
export {
  causeText,
  detailOf,
  errorCodes,
  errorFrom,
  invalid,
  isErrorCode,
  isMusterError,
  MusterError,
  type ErrorCode,
  type ErrorDetail,
  type MusterErrorOptions,
} from "./errors.ts";
export type { ClusterEvent } from "./event.ts";
export type {
  CpuInventory,
  HostInventory,
  HostLoad,
  HostPressure,
  HostRecord,
  HostState,
  HugePages,
  InviteRecord,
  NicInventory,
  NumaCell,
  SoftwareVersions,
  StorageInventory,
} from "./host.ts";
export {
  commandIdOf,
  operationIdFrom,
  parseClusterId,
  parseCommandId,
  parseHostId,
  parseInviteId,
  parseOperationId,
  parseVmId,
  planIdFrom,
  uuidFromBytes,
  uuidToBytes,
  type ClusterId,
  type CommandId,
  type HostId,
  type InviteId,
  type OperationId,
  type PlanId,
  type VmId,
} from "./ids.ts";
export { fromJson, toJson } from "./json.ts";
export { encodeJoinString, parseJoinString, type JoinString } from "./join-string.ts";
export {
  commonProtocol,
  PROTOCOL_COMPACT,
  PROTOCOL_VERSIONS,
  type AgentMessage,
  type Assignments,
  type Command,
  type CommandAction,
  type CommandKind,
  type CommandProgress,
  type CommandResult,
  type CoordinatorMessage,
  type MigrateAction,
  type VmAssignment,
} from "./link.ts";
export { parseMac, parseName, parseVlan, parseWord } from "./names.ts";
export {
  MTU_DEFAULT_BYTES,
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  type NetworkObservation,
  type NetworkRecord,
  type NetworkSpec,
  type NetworkState,
} from "./network.ts";
export {
  canMoveOperation,
  isEnded,
  operationMoves,
  type MigrationStats,
  type OperationRecord,
  type OperationState,
  type StepRecord,
  type StepState,
} from "./operation.ts";
export {
  canMovePlan,
  isPlanOver,
  planKinds,
  planMoves,
  type KeptMove,
  type PlanKind,
  type PlanRecord,
  type PlanState,
} from "./plan.ts";
export {
  automations,
  DEFAULT_POLICY,
  type Automation,
  type ClusterPolicy,
  type GroupRuleSpec,
  type HostTraits,
  type Labels,
  type RebalancePolicy,
  type RuleRecord,
  type VmRules,
} from "./rules.ts";
export { sameData } from "./same-data.ts";
export { GIB, KIB, MIB, parseSize, renderSize, TIB } from "./sizes.ts";
export {
  isActive,
  vmStates,
  type DiskSpec,
  type KernelBoot,
  type NicSpec,
  type Placement,
  type VmObservation,
  type VmRecord,
  type VmSpec,
  type VmState,
  type VmUsage,
} from "./vm.ts";
