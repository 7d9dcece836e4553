/** What is done to a host's devices, with whose it is; and a network of which nothing is done. Pure. */
import { renderSegment, type NetworkObservation, type NetworkSpec } from "@muster/model";
import type { DeviceAction } from "./devices/plan-devices.ts";
import { renderDeviceAction } from "./devices/render-device-action.ts";
import type { InterfaceAction } from "./interfaces/plan-interfaces.ts";
import { renderInterfaceAction } from "./interfaces/render-interface-action.ts";
import { demandOf } from "./network-demand.ts";
import type { NetworkDriver, PlannedAction } from "./network-driver.ts";

/** `owner`: whose it is, and what is lost when it fails; empty: nobody's any more. */
export interface OwnedAction {
  readonly owner: string;
  readonly action: PlannedAction;
}

export const withDevice = (action: DeviceAction): OwnedAction => ({
  owner: action.owner ?? "",
  action: renderDeviceAction(action),
});

export const withInterface = (action: InterfaceAction): OwnedAction => ({
  owner: action.owner,
  action: renderInterfaceAction(action),
});

export const refusedNetwork = (
  spec: NetworkSpec,
  message: string,
  driver: NetworkDriver["name"],
): NetworkObservation => ({
  name: spec.name,
  state: "failed",
  message,
  vlan: demandOf(spec).vlan,
  driver,
  bridge: "",
  wanted: renderSegment(spec.segment),
  found: "",
  carries: [],
});
