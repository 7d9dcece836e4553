/**
 * What the agent needs of the host's network: one port, implemented by Open vSwitch, by the VLAN-aware Linux
 * bridge and by a simulation (`network-driver-contract.ts` holds all three to the same behaviour). A driver only
 * ever changes what carries our mark.
 *
 * Each real driver reads the host (`…-state.ts`), decides in a pure `plan…`, and carries the plan out; what they
 * share is in `bridged-networks.ts`.
 */
import type { NetworkObservation, NetworkSpec, NicSpec, VlanRange, VmId } from "@muster/model";
import type { HostLayout, LayoutObservation } from "./host-layout.ts";

/** One NIC of one VM on this host. */
export interface NicPlug {
  readonly vmId: VmId;
  /** Position among the VM's NICs, from 0. */
  readonly index: number;
  readonly mac: string;
  readonly network: NetworkSpec;
  /** Of a trunk network: only these of its ids. Absent: all of them. */
  readonly trunk?: readonly VlanRange[];
}

/** The plug of a VM's NIC. */
export const plugOf = (
  place: Pick<NicPlug, "vmId" | "index">,
  { mac, trunk }: Pick<NicSpec, "mac" | "trunk">,
  network: NetworkSpec,
): NicPlug => ({ ...place, mac, network, ...(trunk === undefined ? {} : { trunk }) });

/** How the hypervisor attaches a NIC. */
export type NicAttachment =
  /** libvirt adds the port to the Open vSwitch bridge and tags it. */
  | {
      readonly kind: "openvswitch";
      readonly bridge: string;
      /** 0: untagged, or a trunk. */
      readonly vlan: number;
      readonly mtu: number;
      /** Ids the guest may tag with. Absent: it gets frames of one VLAN, without their tags. */
      readonly trunk?: readonly VlanRange[];
    }
  /** A tap the driver made and put on its bridge; libvirt only opens it. */
  | { readonly kind: "tap"; readonly device: string; readonly mtu: number }
  | { readonly kind: "simulated"; readonly network: string };

/** One change of the host, as it would be made. */
export interface PlannedAction {
  /** For people: "create bridge muster0". */
  readonly summary: string;
  /** Argument lists, in order; none in a simulation. */
  readonly commands: readonly (readonly string[])[];
  /** The one network it serves; absent: every network needs it. */
  readonly network?: string;
  /** What to do when it fails. */
  readonly hint?: string;
}

/** Why a network cannot be made on this host as it is. */
export interface NetworkRefusal {
  readonly network: string;
  readonly message: string;
}

export interface NetworkPlan {
  readonly actions: readonly PlannedAction[];
  readonly refusals: readonly NetworkRefusal[];
}

/** The networks on one uplink. Several of them make a `NetworkDriver`. */
export type UplinkNetworks = Omit<NetworkDriver, "observeLayout">;

export interface NetworkDriver {
  readonly name: "openvswitch" | "linux-bridge" | "vlan-bridges" | "simulated";
  /**
   * What of ours is on the host and what the last `apply` wanted, without changing anything. A host that cannot be
   * asked (Open vSwitch is down) makes the wanted networks "failed" with that reason.
   */
  observe(): Promise<readonly NetworkObservation[]>;
  /** What `apply` would do now, for --dry-run. Rejects with "network-failed" when the host cannot be asked. */
  plan(networks: readonly NetworkSpec[], layout?: HostLayout): Promise<NetworkPlan>;
  /**
   * Makes the host have exactly these networks of ours, and what they ride on as the layout says: adds what is missing, corrects what differs, removes ours
   * that is not wanted. Idempotent. A network that cannot be made is "failed" with the reason; the others go on.
   * Answers for every wanted network, and for one that could not be removed. Without a layout there are no uplinks by
   * label.
   */
  apply(
    networks: readonly NetworkSpec[],
    layout?: HostLayout,
  ): Promise<readonly NetworkObservation[]>;
  /** What is there of the uplinks and interfaces of the last `apply`. */
  observeLayout(): Promise<LayoutObservation>;
  /**
   * Prepares the place a NIC is attached to, before the VM starts or arrives. Idempotent. Rejects with
   * "network-failed" when the network is not on this host or cannot carry the NIC.
   */
  plug(nic: NicPlug): Promise<NicAttachment>;
  /**
   * Removes what `plug` made for a VM that has left or was deleted. Missing is fine. Only for a VM that does not
   * run here: a port that is in use is refused or lost, depending on the bridge.
   */
  unplug(vmId: VmId): Promise<void>;
}

/** What starting and moving VMs needs of it. */
export type NicPlugs = Pick<NetworkDriver, "plug" | "unplug">;
