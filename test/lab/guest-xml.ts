/** libvirt XML of a VM that runs the tiny guest, for tests that want one without muster (a wild VM). */

export interface GuestNetworkCard {
  /** An Open vSwitch bridge of the host: br0. */
  readonly bridge: string;
  readonly vlan?: number;
  readonly mac?: string;
}

export interface GuestSpec {
  readonly name: string;
  readonly uuid?: string;
  /** Default 128; the guest needs 96. */
  readonly memoryMiB?: number;
  readonly cpus?: number;
  /** Path of a qcow2 image inside the host. Without one, and without kernelBoot false, the VM has no disk. */
  readonly disk?: string;
  /** True (default): boots the shared kernel and ramdisk. False: boots the disk. */
  readonly kernelBoot?: boolean;
  /** Parameters of the guest, e.g. `addr=10.10.0.1/24 dirty=10`. Its name is passed in any case. */
  readonly commandLine?: string;
  readonly networks?: readonly GuestNetworkCard[];
}

function networkXml({ bridge, vlan, mac }: GuestNetworkCard): string {
  return [
    `<interface type='bridge'><source bridge='${bridge}'/>`,
    mac === undefined ? "" : `<mac address='${mac}'/>`,
    "<virtualport type='openvswitch'/>",
    vlan === undefined ? "" : `<vlan><tag id='${vlan}'/></vlan>`,
    "<model type='virtio'/></interface>",
  ].join("");
}

function bootXml({ name, kernelBoot = true, commandLine = "" }: GuestSpec): string {
  if (!kernelBoot) return "<boot dev='hd'/>";
  return [
    "<kernel>/srv/shared/guest/vmlinuz</kernel><initrd>/srv/shared/guest/initrd.gz</initrd>",
    `<cmdline>console=ttyS0 quiet name=${name} ${commandLine}</cmdline>`,
  ].join("");
}

function diskXml(disk: string): string {
  return [
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' discard='unmap'/>",
    `<source file='${disk}'/><target dev='vda' bus='virtio'/></disk>`,
  ].join("");
}

export function guestXml(spec: GuestSpec): string {
  const { name, uuid, memoryMiB = 128, cpus = 1, disk, networks = [] } = spec;
  return [
    `<domain type='qemu'><name>${name}</name>${uuid === undefined ? "" : `<uuid>${uuid}</uuid>`}`,
    `<memory unit='MiB'>${memoryMiB}</memory><vcpu>${cpus}</vcpu>`,
    `<os><type arch='x86_64' machine='q35'>hvm</type>${bootXml(spec)}</os>`,
    "<features><acpi/><apic/></features>",
    // A quarter faster under emulation than `max`.
    "<cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model></cpu>",
    "<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash><devices>",
    disk === undefined ? "" : diskXml(disk),
    ...networks.map(networkXml),
    `<serial type='pty'><log file='/var/log/libvirt/qemu/${name}-console.log' append='on'/></serial>`,
    "<console type='pty'><target type='serial'/></console>",
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "<memballoon model='virtio'><stats period='2'/></memballoon></devices></domain>",
  ].join("\n");
}
