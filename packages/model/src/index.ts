export { assert, AssertionFailure, assertNever } from "./assert.ts";
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
  uuidFromBytes,
  uuidToBytes,
  type ClusterId,
  type CommandId,
  type HostId,
  type InviteId,
  type OperationId,
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
export { parseMac, parseName, parseVlan } from "./names.ts";
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
