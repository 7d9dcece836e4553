/** Arbitraries for fast-check, and plain values; used by tests only. */
export { anyMac, anyName, anyUint64 } from "./arbitrary-basics.ts";
export { anyHostInventory, anyHostLoad } from "./arbitrary-host.ts";
export {
  anyAgentMessage,
  anyAssignments,
  anyCommandAction,
  anyCoordinatorMessage,
  anyFullReport,
} from "./arbitrary-messages.ts";
export {
  aNetwork,
  aNetworkObservation,
  anyNetworkObservation,
  anyNetworkSpec,
  anyUplinkSpec,
} from "./arbitrary-networks.ts";
export {
  anyCommandId,
  anyErrorDetail,
  anyMigrationStats,
  anyVmId,
  anyVmObservation,
  anyVmSpec,
} from "./arbitrary-values.ts";
