/** What a host should have of its own below and beside its networks: uplinks, bonds and interfaces. */
import {
  noHostNetworking,
  type HostNetworkAssignment,
  type InterfaceObservation,
  type UplinkObservation,
} from "@muster/model";

export type HostLayout = Pick<HostNetworkAssignment, "uplinks" | "bonds" | "interfaces">;

export const noLayout: HostLayout = noHostNetworking;

export const layoutOf = ({ uplinks, bonds, interfaces }: HostLayout): HostLayout => ({
  uplinks,
  bonds,
  interfaces,
});

/** What became of a layout on the host. */
export interface LayoutObservation {
  readonly uplinks: readonly UplinkObservation[];
  readonly interfaces: readonly InterfaceObservation[];
}

export const nothingObserved: LayoutObservation = { uplinks: [], interfaces: [] };
