/** Arbitraries for fast-check; used by tests only. */
export { anyHostInventory, anyHostLoad } from "./arbitrary-host.ts";
export {
  anyAgentMessage,
  anyAssignments,
  anyCommandAction,
  anyCoordinatorMessage,
} from "./arbitrary-messages.ts";
export {
  anyCommandId,
  anyErrorDetail,
  anyMac,
  anyMigrationStats,
  anyName,
  anyNetworkObservation,
  anyNetworkSpec,
  anyVmId,
  anyVmObservation,
  anyVmSpec,
} from "./arbitrary-values.ts";
