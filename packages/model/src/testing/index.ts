/** Arbitraries for fast-check; used by tests only. */
export { anyHostInventory, anyHostLoad } from "./arbitrary-host.ts";
export {
  anyAgentMessage,
  anyAssignments,
  anyCommandAction,
  anyCoordinatorMessage,
  anyFullReport,
} from "./arbitrary-messages.ts";
export {
  anyCommandId,
  anyErrorDetail,
  anyMac,
  anyMigrationStats,
  anyName,
  anyNetworkObservation,
  anyNetworkSpec,
  anyUint64,
  anyVmId,
  anyVmObservation,
  anyVmSpec,
} from "./arbitrary-values.ts";
