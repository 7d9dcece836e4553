/** Events of domains: virConnectDomainEventRegisterAny (0.8.0) and its kinds. */
import type { Connection } from "../connection.ts";
import type { CallOptions } from "../pending-call.ts";
import { once } from "../once.ts";
import { callRemote } from "../procedures.ts";
import * as enums from "../protocol/generated/enums.ts";
import { domainMemoryFailureFlags } from "../protocol/generated/flags.ts";
import { remoteEvents } from "../protocol/generated/remote.ts";
import type { NonnullDomain } from "../protocol/generated/structures.ts";
import { flagsOf, nameOf, numberOf, type Table } from "../protocol/names.ts";
import type { EventMessage, MessageOf, SchemasOf } from "../protocol/procedure.ts";
import type { EventSource } from "./event-hub.ts";

/** A domain as libvirt names it: `id` is -1 while it is not running. */
export type DomainReference = NonnullDomain;

type Messages = SchemasOf<typeof remoteEvents>;
type Of<Name extends keyof Messages> = MessageOf<Messages[Name]>;

const detailTables: Readonly<Record<string, Table<string>>> = {
  defined: enums.domainEventDefinedDetailType,
  undefined: enums.domainEventUndefinedDetailType,
  started: enums.domainEventStartedDetailType,
  suspended: enums.domainEventSuspendedDetailType,
  resumed: enums.domainEventResumedDetailType,
  stopped: enums.domainEventStoppedDetailType,
  shutdown: enums.domainEventShutdownDetailType,
  pmsuspended: enums.domainEventPmSuspendedDetailType,
  crashed: enums.domainEventCrashedDetailType,
};

/** `detail` by its name in the table of the event, for example "booted" of "started". */
function lifecycle({ event, detail }: { readonly event: number; readonly detail: number }) {
  const name = nameOf(enums.domainEventType, event);
  const details = detailTables[name];
  return { event: name, detail: details ? nameOf(details, detail) : "unknown" };
}

const ioErrorAction = (action: number) => nameOf(enums.domainEventIoErrorAction, action);

const blockJob = (job: { readonly type: number; readonly status: number }) => ({
  type: nameOf(enums.domainBlockJobType, job.type),
  status: nameOf(enums.connectDomainEventBlockJobStatus, job.status),
});

const graphicsAddress = (address: { family: number; node: string; service: string }) => ({
  ...address,
  family: nameOf(enums.domainEventGraphicsAddressType, address.family),
});

/** The fields of an event and the domain it is about. */
const about = <Kind extends string, Fields extends object>(
  kind: Kind,
  domain: DomainReference,
  fields: Fields,
): { readonly kind: Kind; readonly domain: DomainReference } & Readonly<Fields> => ({
  kind,
  domain,
  ...fields,
});

/** Kind → how its message reads. The names are those of VIR_DOMAIN_EVENT_ID_*. */
const readers = {
  lifecycle: ({ msg }: Of<"domainEventCallbackLifecycle">) =>
    about("lifecycle", msg.dom, lifecycle(msg)),
  reboot: ({ msg }: Of<"domainEventCallbackReboot">) => about("reboot", msg.dom, {}),
  rtcChange: ({ msg }: Of<"domainEventCallbackRtcChange">) =>
    about("rtcChange", msg.dom, { offsetSeconds: msg.offset }),
  watchdog: ({ msg }: Of<"domainEventCallbackWatchdog">) =>
    about("watchdog", msg.dom, { action: nameOf(enums.domainEventWatchdogAction, msg.action) }),
  ioError: ({ msg }: Of<"domainEventCallbackIoError">) =>
    about("ioError", msg.dom, {
      path: msg.srcPath,
      device: msg.devAlias,
      action: ioErrorAction(msg.action),
    }),
  graphics: ({ msg }: Of<"domainEventCallbackGraphics">) =>
    about("graphics", msg.dom, {
      phase: nameOf(enums.domainEventGraphicsPhase, msg.phase),
      local: graphicsAddress(msg.local),
      remote: graphicsAddress(msg.remote),
      authScheme: msg.authScheme,
      subject: msg.subject,
    }),
  ioErrorReason: ({ msg }: Of<"domainEventCallbackIoErrorReason">) =>
    about("ioErrorReason", msg.dom, {
      path: msg.srcPath,
      device: msg.devAlias,
      action: ioErrorAction(msg.action),
      reason: msg.reason,
    }),
  controlError: ({ msg }: Of<"domainEventCallbackControlError">) =>
    about("controlError", msg.dom, {}),
  blockJob: ({ msg }: Of<"domainEventCallbackBlockJob">) =>
    about("blockJob", msg.dom, { path: msg.path, ...blockJob(msg) }),
  diskChange: ({ msg }: Of<"domainEventCallbackDiskChange">) =>
    about("diskChange", msg.dom, {
      oldPath: msg.oldSrcPath,
      newPath: msg.newSrcPath,
      device: msg.devAlias,
      reason: nameOf(enums.connectDomainEventDiskChangeReason, msg.reason),
    }),
  trayChange: ({ msg }: Of<"domainEventCallbackTrayChange">) =>
    about("trayChange", msg.dom, {
      device: msg.devAlias,
      reason: nameOf(enums.domainEventTrayChangeReason, msg.reason),
    }),
  pmwakeup: ({ msg }: Of<"domainEventCallbackPmwakeup">) => about("pmwakeup", msg.dom, {}),
  pmsuspend: ({ msg }: Of<"domainEventCallbackPmsuspend">) => about("pmsuspend", msg.dom, {}),
  balloonChange: ({ msg }: Of<"domainEventCallbackBalloonChange">) =>
    about("balloonChange", msg.dom, { actualKiB: msg.actual }),
  pmsuspendDisk: ({ msg }: Of<"domainEventCallbackPmsuspendDisk">) =>
    about("pmsuspendDisk", msg.dom, {}),
  deviceRemoved: ({ msg }: Of<"domainEventCallbackDeviceRemoved">) =>
    about("deviceRemoved", msg.dom, { device: msg.devAlias }),
  blockJob2: (msg: Of<"domainEventBlockJob2">) =>
    about("blockJob2", msg.dom, { disk: msg.dst, ...blockJob(msg) }),
  tunable: (msg: Of<"domainEventCallbackTunable">) =>
    about("tunable", msg.dom, { parameters: msg.params }),
  agentLifecycle: (msg: Of<"domainEventCallbackAgentLifecycle">) =>
    about("agentLifecycle", msg.dom, {
      state: nameOf(enums.connectDomainEventAgentLifecycleState, msg.state),
      reason: nameOf(enums.connectDomainEventAgentLifecycleReason, msg.reason),
    }),
  deviceAdded: (msg: Of<"domainEventCallbackDeviceAdded">) =>
    about("deviceAdded", msg.dom, { device: msg.devAlias }),
  migrationIteration: (msg: Of<"domainEventCallbackMigrationIteration">) =>
    about("migrationIteration", msg.dom, { iteration: msg.iteration }),
  jobCompleted: (msg: Of<"domainEventCallbackJobCompleted">) =>
    about("jobCompleted", msg.dom, { parameters: msg.params }),
  deviceRemovalFailed: (msg: Of<"domainEventCallbackDeviceRemovalFailed">) =>
    about("deviceRemovalFailed", msg.dom, { device: msg.devAlias }),
  metadataChange: (msg: Of<"domainEventCallbackMetadataChange">) =>
    about("metadataChange", msg.dom, {
      type: nameOf(enums.domainMetadataType, msg.type),
      uri: msg.nsuri,
    }),
  blockThreshold: (msg: Of<"domainEventBlockThreshold">) =>
    about("blockThreshold", msg.dom, {
      device: msg.dev,
      path: msg.path,
      thresholdBytes: msg.threshold,
      excessBytes: msg.excess,
    }),
  memoryFailure: (msg: Of<"domainEventMemoryFailure">) =>
    about("memoryFailure", msg.dom, {
      recipient: nameOf(enums.domainMemoryFailureRecipientType, msg.recipient),
      action: nameOf(enums.domainMemoryFailureActionType, msg.action),
      flags: flagsOf(domainMemoryFailureFlags, msg.flags),
    }),
  memoryDeviceSizeChange: (msg: Of<"domainEventMemoryDeviceSizeChange">) =>
    about("memoryDeviceSizeChange", msg.dom, { device: msg.alias, sizeKiB: msg.size }),
  nicMacChange: (msg: Of<"domainEventNicMacChange">) =>
    about("nicMacChange", msg.dom, { device: msg.alias, oldMac: msg.oldMAC, newMac: msg.newMAC }),
} as const;

export type DomainEventKind = keyof typeof readers;
export type DomainEventOf<Kind extends DomainEventKind> = ReturnType<(typeof readers)[Kind]>;
/** Any event of a domain, told apart by `kind`. */
export type DomainEvent = { [Kind in DomainEventKind]: DomainEventOf<Kind> }[DomainEventKind];

export const domainEventKinds = Object.keys(readers) as readonly DomainEventKind[];

/** Kinds up to this one had messages without a callback id before 1.3.3; the later ones have only one message. */
const LAST_OLD_KIND = "deviceRemoved";

type CallbackMessage = EventMessage<{ readonly callbackID: number }, never>;

/** The message of each kind, found by the number that it is registered for. */
const messagesById = once(() => {
  const lastOldId = numberOf(enums.domainEventId, LAST_OLD_KIND);
  const current = Object.entries(remoteEvents.all()).filter(([name, { eventId }]) =>
    name.startsWith(eventId <= lastOldId ? "domainEventCallback" : "domainEvent"),
  );
  return new Map(current.map(([, message]) => [message.eventId, message as CallbackMessage]));
});

/** How to subscribe to one kind, for one domain or for all. */
export function domainEventSource<Kind extends DomainEventKind>(
  kind: Kind,
  domain: DomainReference | null,
): EventSource<DomainEventOf<Kind>> {
  const eventID = numberOf(enums.domainEventId, kind);
  const message = messagesById().get(eventID);
  if (!message) throw new TypeError(`unknown kind of event "${kind}"`);
  const read = readers[kind] as (message: unknown) => DomainEventOf<Kind>;
  return {
    message,
    register: async (connection: Connection, options: CallOptions) => {
      const name = "connectDomainEventCallbackRegisterAny";
      return (await callRemote(connection, name, { eventID, dom: domain }, options)).callbackID;
    },
    deregister: (connection: Connection, callbackID: number, options: CallOptions) => {
      const name = "connectDomainEventCallbackDeregisterAny";
      return callRemote(connection, name, { callbackID }, options);
    },
    decode: read,
  };
}
