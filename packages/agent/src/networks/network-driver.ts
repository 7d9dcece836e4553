/**
 * What the agent needs of the host's network: one port, implemented by Open vSwitch, by the VLAN-aware Linux
 * bridge and by a simulation. A driver only ever changes what carries our mark.
 */
import type { NetworkObservation, NetworkSpec, VmId } from "@muster/model";

/** One NIC of one VM on this host. */
export interface NicPlug {
  readonly vmId: VmId;
  /** Position among the VM's NICs, from 0. */
  readonly index: number;
  readonly mac: string;
  readonly network: NetworkSpec;
}

/** How the hypervisor attaches a NIC. */
export type NicAttachment =
  /** libvirt adds the port to the Open vSwitch bridge and tags it. */
  | {
      readonly kind: "openvswitch";
      readonly bridge: string;
      readonly vlan: number;
      readonly mtu: number;
    }
  /** A tap the driver made and put on its bridge; libvirt only opens it. */
  | { readonly kind: "tap"; readonly device: string; readonly mtu: number }
  | { readonly kind: "simulated"; readonly network: string };

export interface NetworkDriver {
  readonly name: "openvswitch" | "linux-bridge" | "simulated";
  /** What of ours is on the host, without changing anything. */
  observe(): Promise<readonly NetworkObservation[]>;
  /**
   * Makes the host have exactly these networks of ours: adds what is missing, corrects what differs, removes ours
   * that is not wanted. Idempotent. A network that cannot be made is "failed" with the reason; the others go on.
   */
  apply(networks: readonly NetworkSpec[]): Promise<readonly NetworkObservation[]>;
  /** Prepares the place a NIC is attached to, before the VM starts or arrives. Idempotent. */
  plug(nic: NicPlug): Promise<NicAttachment>;
  /** Removes what `plug` made for a VM that has left or was deleted. Missing is fine. */
  unplug(vmId: VmId): Promise<void>;
}
