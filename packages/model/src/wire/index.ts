/** The door: generated wire types on one side, model types on the other. */
export { decodeVmState, encodeVmState } from "./enums.ts";
export { decodeErrorDetail, encodeErrorDetail } from "./error-detail.ts";
export { parseFenceAgent, readFenceParameters } from "./fence.ts";
export {
  decodeImageBooks,
  decodeImagePolicy,
  decodeImageSignature,
  decodeUrlLocation,
  encodeImageBooks,
  encodeImageContents,
  encodeImageCache,
  encodeImagePolicy,
  IMAGE_SIZE_MAX_BYTES,
  readInstant,
} from "./image.ts";
export { decodeHaPolicy, encodeHaPolicy } from "./ha.ts";
export {
  decodeHostInventory,
  decodeHostLoad,
  encodeHostInventory,
  encodeHostLoad,
} from "./host.ts";
export { decodeMigrationStats, encodeMigrationStats } from "./migration-stats.ts";
export {
  decodeNetworkObservation,
  decodeNetworkSpec,
  encodeNetworkObservation,
  encodeNetworkSpec,
} from "./network.ts";
export { decodeHostChoice, encodeHostChoice } from "./host-choice.ts";
export { decodeVlanRanges, encodeVlanRanges } from "./vlan-ranges.ts";
export {
  decodeHostNetworkObservation,
  encodeHostNetworkObservation,
  encodeUplinkObservation,
} from "./host-networking.ts";
export {
  decodeAttemptState,
  decodeNetworkKind,
  decodeNetworkState,
  decodeTraffic,
  encodeAttemptState,
  encodeNetworkKind,
  encodeNetworkState,
  encodeTraffic,
} from "./network-enums.ts";
export { decodeNicDraft, encodeNic, type NicDraft } from "./nic.ts";
export {
  decodeHostInterfacesSpec,
  decodeUplinkSpec,
  encodeHostInterfacesSpec,
  encodeUplinkSpec,
} from "./uplink.ts";
export {
  agentCodec,
  coordinatorCodec,
  type AgentCodec,
  type CoordinatorCodec,
} from "./session-codec.ts";
export { decodeVmId, encodeVmId } from "./vm-id.ts";
export { decodeVmObservation, encodeVmObservation } from "./vm-observation.ts";
export { viewVmSpec, type NicView, type VmSpecView } from "./vm-spec-view.ts";
export {
  decodeVmSpec,
  decodeVmSpecDraft,
  encodeVmSpec,
  type DiskDraft,
  type VmSpecDraft,
} from "./vm-spec.ts";
