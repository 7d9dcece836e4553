/** What the coordinator tells an agent to do. */
import type * as pb from "@muster/proto/dispatch";
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import { parseCommandId, parseHostId } from "../ids.ts";
import { fenceActions, type Command, type CommandAction, type MigrateAction } from "../link.ts";
import { parseFenceAgent, readFenceParameters } from "./fence.ts";
import { fieldAt, measuredUint32, readCount, readLine, required } from "./fields.ts";
import { decodeImageAction, encodeImageAction, isImageAction } from "./image.ts";
import { decodeVmId, encodeVmId } from "./vm-id.ts";
import { decodeVmSpec, encodeVmSpec } from "./vm-spec.ts";

type WireAction = NonNullable<pb.Command["action"]>;

const URI_MAX = 1024;
const TICKET_MAX = 128;

function decodeMigrate(wire: pb.MigrateVm, field: string): MigrateAction {
  const at = (part: string): string => fieldAt(field, part);
  return {
    kind: "migrate-vm",
    vmId: decodeVmId(wire.uuid, at("uuid")),
    targetUri: readLine(wire.targetUri, at("targetUri"), { min: 1, max: URI_MAX }),
    bandwidthMibPerSecond: readCount(wire.bandwidthMibPerSecond, at("bandwidthMibPerSecond")),
    autoConverge: wire.autoConverge,
    copyStorage: wire.copyStorage,
    tls: wire.tls,
    downtimeLimitMs: readCount(wire.downtimeLimitMs, at("downtimeLimitMs")),
    migrationAddress: readLine(wire.migrationAddress, at("migrationAddress"), { max: URI_MAX }),
  };
}

function encodeMigrate(action: MigrateAction): pb.MigrateVm {
  const { vmId, kind: _kind, ...rest } = action;
  return { ...rest, uuid: encodeVmId(vmId) };
}

function decodeOpenConsole(wire: pb.OpenConsole, field: string): CommandAction {
  const at = (part: string): string => fieldAt(field, part);
  return {
    kind: "open-console",
    vmId: decodeVmId(wire.uuid, at("uuid")),
    ticket: readLine(wire.ticket, at("ticket"), { min: 1, max: TICKET_MAX }),
    force: wire.force,
  };
}

function decodeAction(wire: WireAction, field: string): CommandAction {
  const at = (part: string): string => fieldAt(field, part);
  if (wire.$case === "runFence") return decodeRunFence(wire.value, field);
  if (wire.$case === "readStorageHeartbeat") {
    return { kind: "read-storage-heartbeat", hostId: parseHostId(wire.value.hostId) };
  }
  if (isImageAction(wire)) return decodeImageAction(wire, field);
  const vmId = decodeVmId(wire.value.uuid, at("uuid"));
  const decodeSpec = (spec: Parameters<typeof decodeVmSpec>[0] | undefined) =>
    decodeVmSpec(required(spec, at("spec")), at("spec"));
  /** A placement counts from 1; 0 marks wild VMs. */
  const readGeneration = (generation: number): number =>
    readCount(generation, at("generation"), { min: 1 });
  switch (wire.$case) {
    case "defineVm": {
      const generation = readGeneration(wire.value.generation);
      const existing = wire.value.existingVolumes ? ({ existingVolumes: true } as const) : {};
      return {
        kind: "define-vm",
        vmId,
        spec: decodeSpec(wire.value.spec),
        generation,
        ...existing,
      };
    }
    case "startVm":
      return { kind: "start-vm", vmId, spec: decodeSpec(wire.value.spec) };
    case "stopVm": {
      const { force, graceMs } = wire.value;
      return { kind: "stop-vm", vmId, force, graceMs: readCount(graceMs, at("graceMs")) };
    }
    case "rebootVm":
      return { kind: "reboot-vm", vmId, force: wire.value.force };
    case "pauseVm":
      return { kind: "pause-vm", vmId };
    case "resumeVm":
      return { kind: "resume-vm", vmId };
    case "deleteVm": {
      const { deleteVolumes, spec } = wire.value;
      return { kind: "delete-vm", vmId, deleteVolumes, spec: decodeSpec(spec) };
    }
    case "prepareArrival":
      return { kind: "prepare-arrival", vmId, spec: decodeSpec(wire.value.spec) };
    case "migrateVm":
      return decodeMigrate(wire.value, field);
    case "finishArrival":
      return { kind: "finish-arrival", vmId, generation: readGeneration(wire.value.generation) };
    case "cleanDeparture":
      return { kind: "clean-departure", vmId, generation: readGeneration(wire.value.generation) };
    case "openConsole":
      return decodeOpenConsole(wire.value, field);
    case "confirmPolicy":
      return { kind: "confirm-policy", vmId };
    case "placeSeed":
      return { kind: "place-seed", vmId, spec: decodeSpec(wire.value.spec) };
    case "removeSeed":
      return { kind: "remove-seed", vmId, spec: decodeSpec(wire.value.spec) };
    default:
      return assertNever(wire);
  }
}

function decodeRunFence(wire: pb.RunFence, field: string): CommandAction {
  const at = (part: string): string => fieldAt(field, part);
  const action = fenceActions.find((known) => known === wire.action);
  if (action === undefined) {
    throw invalid(
      at("action"),
      `${JSON.stringify(wire.action.slice(0, 20))} is not one of ${fenceActions.join(", ")}`,
    );
  }
  return {
    kind: "run-fence",
    agent: parseFenceAgent(wire.agent, at("agent")),
    action,
    parameters: readFenceParameters(wire.parameters, at("parameters")),
  };
}

function encodeAction(action: CommandAction): WireAction {
  if (action.kind === "run-fence") {
    const { kind: _kind, parameters, ...rest } = action;
    return { $case: "runFence", value: { ...rest, parameters: { ...parameters } } };
  }
  if (action.kind === "read-storage-heartbeat") {
    return { $case: "readStorageHeartbeat", value: { hostId: action.hostId } };
  }
  if (!("vmId" in action)) return encodeImageAction(action);
  const uuid = encodeVmId(action.vmId);
  switch (action.kind) {
    case "define-vm": {
      const { spec, generation, existingVolumes = false } = action;
      const value = { uuid, spec: encodeVmSpec(spec), generation, existingVolumes };
      return { $case: "defineVm", value };
    }
    case "confirm-policy":
      return { $case: "confirmPolicy", value: { uuid } };
    case "place-seed":
      return { $case: "placeSeed", value: { uuid, spec: encodeVmSpec(action.spec) } };
    case "remove-seed":
      return { $case: "removeSeed", value: { uuid, spec: encodeVmSpec(action.spec) } };
    case "start-vm":
      return { $case: "startVm", value: { uuid, spec: encodeVmSpec(action.spec) } };
    case "stop-vm": {
      const { force, graceMs } = action;
      return { $case: "stopVm", value: { uuid, force, graceMs: measuredUint32(graceMs) } };
    }
    case "reboot-vm":
      return { $case: "rebootVm", value: { uuid, force: action.force } };
    case "pause-vm":
      return { $case: "pauseVm", value: { uuid } };
    case "resume-vm":
      return { $case: "resumeVm", value: { uuid } };
    case "delete-vm": {
      const { deleteVolumes, spec } = action;
      return { $case: "deleteVm", value: { uuid, deleteVolumes, spec: encodeVmSpec(spec) } };
    }
    case "prepare-arrival":
      return { $case: "prepareArrival", value: { uuid, spec: encodeVmSpec(action.spec) } };
    case "migrate-vm":
      return { $case: "migrateVm", value: encodeMigrate(action) };
    case "finish-arrival":
      return { $case: "finishArrival", value: { uuid, generation: action.generation } };
    case "clean-departure":
      return { $case: "cleanDeparture", value: { uuid, generation: action.generation } };
    case "open-console":
      return {
        $case: "openConsole",
        value: { uuid, ticket: action.ticket, force: action.force },
      };
    default:
      return assertNever(action);
  }
}

export function decodeCommand(wire: pb.Command, field: string): Command {
  if (wire.action === undefined) {
    throw invalid(fieldAt(field, "action"), "is unset, or newer than this program");
  }
  return {
    kind: "command",
    commandId: parseCommandId(wire.commandId),
    timeoutMs: readCount(wire.timeoutMs, fieldAt(field, "timeoutMs")),
    action: decodeAction(wire.action, fieldAt(field, wire.action.$case)),
  };
}

export function encodeCommand(command: Command): pb.Command {
  return {
    commandId: command.commandId,
    timeoutMs: measuredUint32(command.timeoutMs),
    action: encodeAction(command.action),
  };
}
