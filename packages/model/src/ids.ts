/**
 * Names for things. Every id is a branded string: it becomes one in its parser below and nowhere else, so a VM's
 * id cannot be passed where a host's is wanted.
 */
import { invalid } from "./errors.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** UUID of a VM: the same as its libvirt domain UUID. Lower-case text. */
export type VmId = Branded<"VmId">;
/** UUID of a host, given at enrolment; the same machine enrolled again gets another one. */
export type HostId = Branded<"HostId">;
/** UUID of a cluster; domains are marked with it. */
export type ClusterId = Branded<"ClusterId">;
/** Id of an operation: sortable by creation, see `operationIdFrom`. */
export type OperationId = Branded<"OperationId">;
/** Id of a kept plan, see `planIdFrom`. */
export type PlanId = Branded<"PlanId">;
/** UUID of an invitation. */
export type InviteId = Branded<"InviteId">;
/** "operation/step/attempt". Equal ids mean the same command. */
export type CommandId = Branded<"CommandId">;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function parseUuid(text: string, what: string): string {
  const lower = text.toLowerCase();
  if (!UUID.test(lower)) throw invalid(what, `"${text.slice(0, 80)}" is not a UUID`);
  return lower;
}

export const parseVmId = (text: string): VmId => parseUuid(text, "vm id") as VmId;
export const parseHostId = (text: string): HostId => parseUuid(text, "host id") as HostId;
export const parseClusterId = (text: string): ClusterId =>
  parseUuid(text, "cluster id") as ClusterId;
export const parseInviteId = (text: string): InviteId => parseUuid(text, "invite id") as InviteId;

const OPERATION_ID = /^op-[0-9a-z]{4,32}$/;

export function parseOperationId(text: string): OperationId {
  if (!OPERATION_ID.test(text)) {
    throw invalid("operation id", `"${text.slice(0, 80)}" does not look like op-0000abcd`);
  }
  return text as OperationId;
}

/** `number` counts operations of a cluster from 1; ids sort by age as text. */
export function operationIdFrom(number: number): OperationId {
  return `op-${number.toString(36).padStart(6, "0")}` as OperationId;
}

/** `number` counts kept plans of a cluster from 1. */
export const planIdFrom = (number: number): PlanId =>
  `plan-${String(number).padStart(4, "0")}` as PlanId;

export function commandIdOf(operationId: OperationId, step: string, attempt: number): CommandId {
  return `${operationId}/${step}/${String(attempt)}` as CommandId;
}

const COMMAND_ID = /^op-[0-9a-z]{4,32}\/[a-z0-9-]{1,64}\/\d{1,9}$/;

export function parseCommandId(text: string): CommandId {
  if (!COMMAND_ID.test(text)) {
    throw invalid("command id", `"${text.slice(0, 80)}" is not operation/step/attempt`);
  }
  return text as CommandId;
}

/** The 16 bytes of a UUID, as libvirt and the wire carry it. */
export function uuidToBytes(uuid: string): Uint8Array {
  const hex = uuid.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, index) =>
    Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
  );
}

export function uuidFromBytes(bytes: Uint8Array, what: string): string {
  if (bytes.length !== 16) {
    throw invalid(what, `a UUID has 16 bytes, not ${String(bytes.length)}`);
  }
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
