/**
 * A domain as its host sees it. What a host says is refused only where we could not hold it: a wild VM may be
 * called anything libvirt allows, and must not keep the rest of the report out.
 */
import type * as pb from "@muster/proto/types";
import type { VmObservation, VmUsage } from "../vm.ts";
import { decodeVmState, encodeVmState } from "./enums.ts";
import {
  fieldAt,
  measuredUint32,
  measuredUint64,
  readCount,
  readList,
  readText,
} from "./fields.ts";
import { decodeVmId, encodeVmId } from "./vm-id.ts";

/** More NICs than any domain has; a list beyond it is not a list of NICs. */
const MACS_MAX = 256;

function decodeVmUsage(wire: pb.VmUsage): VmUsage {
  const {
    cpuTimeNs,
    residentBytes,
    diskReadBytes,
    diskWriteBytes,
    diskReadRequests,
    diskWriteRequests,
    networkReceiveBytes,
    networkTransmitBytes,
  } = wire;
  return {
    cpuTimeNs,
    residentBytes,
    diskReadBytes,
    diskWriteBytes,
    diskReadRequests,
    diskWriteRequests,
    networkReceiveBytes,
    networkTransmitBytes,
  };
}

function encodeVmUsage(usage: VmUsage): pb.VmUsage {
  return {
    cpuTimeNs: measuredUint64(usage.cpuTimeNs),
    residentBytes: measuredUint64(usage.residentBytes),
    diskReadBytes: measuredUint64(usage.diskReadBytes),
    diskWriteBytes: measuredUint64(usage.diskWriteBytes),
    diskReadRequests: measuredUint64(usage.diskReadRequests),
    diskWriteRequests: measuredUint64(usage.diskWriteRequests),
    networkReceiveBytes: measuredUint64(usage.networkReceiveBytes),
    networkTransmitBytes: measuredUint64(usage.networkTransmitBytes),
  };
}

export function decodeVmObservation(wire: pb.VmObservation, field: string): VmObservation {
  const at = (part: string): string => fieldAt(field, part);
  return {
    id: decodeVmId(wire.uuid, at("uuid")),
    name: readText(wire.name, at("name"), { min: 1 }),
    state: decodeVmState(wire.state, at("state")),
    reason: readText(wire.reason, at("reason")),
    managed: wire.managed,
    generation: readCount(wire.generation, at("generation")),
    cpus: readCount(wire.cpus, at("cpus")),
    memoryBytes: wire.memoryBytes,
    macs: readList(wire.macs, { field: at("macs"), max: MACS_MAX }, (mac, macField) =>
      readText(mac, macField, { max: 64 }),
    ),
    ...(wire.usage === undefined ? {} : { usage: decodeVmUsage(wire.usage) }),
    migrating: wire.migrating,
    persistent: wire.persistent,
  };
}

export function encodeVmObservation(vm: VmObservation): pb.VmObservation {
  return {
    uuid: encodeVmId(vm.id),
    name: vm.name,
    state: encodeVmState(vm.state),
    reason: vm.reason,
    managed: vm.managed,
    generation: vm.generation,
    cpus: measuredUint32(vm.cpus),
    memoryBytes: measuredUint64(vm.memoryBytes),
    macs: vm.macs.slice(0, MACS_MAX),
    usage: vm.usage === undefined ? undefined : encodeVmUsage(vm.usage),
    migrating: vm.migrating,
    persistent: vm.persistent,
  };
}
