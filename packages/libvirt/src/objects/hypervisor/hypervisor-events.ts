import type { SubscribeOptions } from "../../events/event-hub.ts";
import type { EventStream } from "../../events/event-stream.ts";
import * as events from "../../events/object-events.ts";
import { connectDomainQemuMonitorEventRegisterFlags } from "../../protocol/generated/flags.ts";
import { bitsOf, type NamesOf } from "../../protocol/names.ts";
import type { Domain } from "../domain/domain.ts";
import { HypervisorDevices } from "./hypervisor-devices.ts";

export interface QemuMonitorEventOptions extends SubscribeOptions {
  readonly domain?: Domain | undefined;
  /** QEMU's name of the event, or with "regex" a pattern; all by default. */
  readonly event?: string | undefined;
  readonly flags?:
    readonly NamesOf<typeof connectDomainQemuMonitorEventRegisterFlags>[] | undefined;
}

/** Events of what is not a domain. As with domainEvents: registered when the promise resolves. */
export abstract class HypervisorEvents extends HypervisorDevices {
  /** virConnectNetworkEventRegisterAny (1.2.1). */
  networkEvents(
    kinds: readonly events.NetworkEventKind[] = ["lifecycle"],
    options: SubscribeOptions = {},
  ): Promise<EventStream<events.NetworkEvent>> {
    const sources = kinds.map((kind) => events.networkEventSource(kind, null));
    return this.session.subscribe(sources, options);
  }

  /** virConnectStoragePoolEventRegisterAny (2.0.0). */
  storagePoolEvents(
    kinds: readonly events.StoragePoolEventKind[] = ["lifecycle", "refresh"],
    options: SubscribeOptions = {},
  ): Promise<EventStream<events.StoragePoolEvent>> {
    const sources = kinds.map((kind) => events.storagePoolEventSource(kind, null));
    return this.session.subscribe(sources, options);
  }

  /** virConnectNodeDeviceEventRegisterAny (2.2.0). */
  nodeDeviceEvents(
    kinds: readonly events.NodeDeviceEventKind[] = ["lifecycle", "update"],
    options: SubscribeOptions = {},
  ): Promise<EventStream<events.NodeDeviceEvent>> {
    const sources = kinds.map((kind) => events.nodeDeviceEventSource(kind, null));
    return this.session.subscribe(sources, options);
  }

  /** virConnectSecretEventRegisterAny (3.0.0). */
  secretEvents(
    kinds: readonly events.SecretEventKind[] = ["lifecycle", "valueChanged"],
    options: SubscribeOptions = {},
  ): Promise<EventStream<events.SecretEvent>> {
    const sources = kinds.map((kind) => events.secretEventSource(kind, null));
    return this.session.subscribe(sources, options);
  }

  /** virConnectDomainQemuMonitorEventRegister (1.2.3): QEMU's own events; unsupported by libvirt. */
  qemuMonitorEvents(
    options: QemuMonitorEventOptions = {},
  ): Promise<EventStream<events.QemuMonitorEvent>> {
    const { domain, event = null } = options;
    const bits = bitsOf(connectDomainQemuMonitorEventRegisterFlags, options.flags);
    const source = events.qemuMonitorEventSource(domain?.reference ?? null, event, bits);
    return this.session.subscribe([source], options);
  }
}
