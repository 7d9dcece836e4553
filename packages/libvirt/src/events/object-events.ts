/** Events of networks, storage pools, node devices and secrets, and of QEMU's monitor. */
import type { Connection } from "../connection.ts";
import type { CallOptions } from "../pending-call.ts";
import { callRemote, qemuProcedure } from "../procedures.ts";
import * as enums from "../protocol/generated/enums.ts";
import { qemuEvents } from "../protocol/generated/qemu.ts";
import { remoteEvents } from "../protocol/generated/remote.ts";
import type {
  NonnullDomain,
  NonnullNetwork,
  NonnullNodeDevice,
  NonnullSecret,
  NonnullStoragePool,
} from "../protocol/generated/structures.ts";
import { nameOf } from "../protocol/names.ts";
import type { EventMessage, MessageOf, SchemasOf } from "../protocol/procedure.ts";
import type { EventSource } from "./event-hub.ts";

type Registrar =
  | "connectNetworkEvent"
  | "connectStoragePoolEvent"
  | "connectNodeDeviceEvent"
  | "connectSecretEvent";

type RemoteEvents = SchemasOf<typeof remoteEvents>;
type QemuEvents = SchemasOf<typeof qemuEvents>;
type CallbackMessage = EventMessage<{ readonly callbackID: number }, never>;

/** What the four families have in common: a pair of calls, and one message for each kind. */
function sourceOf<Event>(
  registrar: Registrar,
  message: CallbackMessage,
  args: object,
  decode: (message: unknown) => Event,
): EventSource<Event> {
  return {
    message,
    decode,
    register: async (connection: Connection, options: CallOptions) => {
      const name = `${registrar}RegisterAny` as const;
      const full = { eventID: message.eventId, ...args };
      return (await callRemote(connection, name, full as never, options)).callbackID;
    },
    deregister: (connection, callbackID, options) =>
      callRemote(connection, `${registrar}DeregisterAny` as const, { callbackID }, options),
  };
}

/** A reader of one message type behind the `unknown` of the table. */
function reader<Name extends keyof RemoteEvents, Event>(
  name: Name,
  read: (message: MessageOf<RemoteEvents[Name]>) => Event,
) {
  const message = () => remoteEvents.get(name) as CallbackMessage;
  return { message, read: (body: unknown) => read(body as never) };
}

const networkReaders = {
  lifecycle: reader("networkEventLifecycle", (m) => ({
    kind: "lifecycle" as const,
    network: m.net,
    event: nameOf(enums.networkEventLifecycleType, m.event),
  })),
  metadataChange: reader("networkEventCallbackMetadataChange", (m) => ({
    kind: "metadataChange" as const,
    network: m.net,
    type: nameOf(enums.networkMetadataType, m.type),
    uri: m.nsuri,
  })),
} as const;

const storagePoolReaders = {
  lifecycle: reader("storagePoolEventLifecycle", (m) => ({
    kind: "lifecycle" as const,
    pool: m.pool,
    event: nameOf(enums.storagePoolEventLifecycleType, m.event),
  })),
  refresh: reader("storagePoolEventRefresh", (m) => ({ kind: "refresh" as const, pool: m.pool })),
} as const;

const nodeDeviceReaders = {
  lifecycle: reader("nodeDeviceEventLifecycle", (m) => ({
    kind: "lifecycle" as const,
    device: m.dev,
    event: nameOf(enums.nodeDeviceEventLifecycleType, m.event),
  })),
  update: reader("nodeDeviceEventUpdate", (m) => ({ kind: "update" as const, device: m.dev })),
} as const;

const secretReaders = {
  lifecycle: reader("secretEventLifecycle", (m) => ({
    kind: "lifecycle" as const,
    secret: m.secret,
    event: nameOf(enums.secretEventLifecycleType, m.event),
  })),
  valueChanged: reader("secretEventValueChanged", (m) => ({
    kind: "valueChanged" as const,
    secret: m.secret,
  })),
} as const;

type EventOf<Readers extends Readonly<Record<string, { read(body: unknown): unknown }>>> =
  ReturnType<Readers[keyof Readers]["read"]>;

export type NetworkEvent = EventOf<typeof networkReaders>;
export type NetworkEventKind = keyof typeof networkReaders;
export type StoragePoolEvent = EventOf<typeof storagePoolReaders>;
export type StoragePoolEventKind = keyof typeof storagePoolReaders;
export type NodeDeviceEvent = EventOf<typeof nodeDeviceReaders>;
export type NodeDeviceEventKind = keyof typeof nodeDeviceReaders;
export type SecretEvent = EventOf<typeof secretReaders>;
export type SecretEventKind = keyof typeof secretReaders;

export function networkEventSource(
  kind: NetworkEventKind,
  network: NonnullNetwork | null,
): EventSource<NetworkEvent> {
  const { message, read } = networkReaders[kind];
  return sourceOf<NetworkEvent>("connectNetworkEvent", message(), { net: network }, read);
}

export function storagePoolEventSource(
  kind: StoragePoolEventKind,
  pool: NonnullStoragePool | null,
): EventSource<StoragePoolEvent> {
  const { message, read } = storagePoolReaders[kind];
  return sourceOf<StoragePoolEvent>("connectStoragePoolEvent", message(), { pool }, read);
}

export function nodeDeviceEventSource(
  kind: NodeDeviceEventKind,
  device: NonnullNodeDevice | null,
): EventSource<NodeDeviceEvent> {
  const { message, read } = nodeDeviceReaders[kind];
  return sourceOf<NodeDeviceEvent>("connectNodeDeviceEvent", message(), { dev: device }, read);
}

export function secretEventSource(
  kind: SecretEventKind,
  secret: NonnullSecret | null,
): EventSource<SecretEvent> {
  const { message, read } = secretReaders[kind];
  return sourceOf<SecretEvent>("connectSecretEvent", message(), { secret }, read);
}

/** An event of QEMU's own monitor, as it is; unsupported by libvirt, for debugging. */
export interface QemuMonitorEvent {
  readonly domain: NonnullDomain;
  /** QEMU's name, for example "RTC_CHANGE". */
  readonly event: string;
  readonly seconds: bigint;
  readonly microseconds: number;
  /** JSON text. */
  readonly details: string | null;
}

export function qemuMonitorEventSource(
  domain: NonnullDomain | null,
  event: string | null,
  flags: number,
): EventSource<QemuMonitorEvent> {
  return {
    message: qemuEvents.get("domainMonitorEvent"),
    register: async (connection, options) => {
      const name = "connectDomainMonitorEventRegister";
      const args = { dom: domain, event, flags };
      const answer = await connection.call(name, qemuProcedure(name), args, options);
      return answer.callbackID;
    },
    deregister: (connection, callbackID, options) => {
      const name = "connectDomainMonitorEventDeregister";
      return connection.call(name, qemuProcedure(name), { callbackID }, options);
    },
    decode: (message) => {
      const m = message as MessageOf<QemuEvents["domainMonitorEvent"]>;
      const { dom, event: name, seconds, micros, details } = m;
      return { domain: dom, event: name, seconds, microseconds: micros, details };
    },
  };
}
