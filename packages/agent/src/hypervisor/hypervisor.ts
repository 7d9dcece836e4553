/**
 * What the agent needs of a hypervisor: four small ports, implemented by libvirt
 * (`libvirt/`), and by a simulation (`simulated/`) that passes the same contract suite
 * (`hypervisor-contract.ts`).
 *
 * Every failure is a MusterError ("hypervisor-failed" with libvirt's own words as the cause, "not-found",
 * "wrong-state"). A host with an empty disk still knows what is ours: managed domains carry a metadata element
 * with cluster id, generation and operation id.
 */
import type {
  ClusterId,
  MigrateAction,
  MigrationStats,
  VmId,
  VmObservation,
  VmSpec,
  VmUsage,
} from "@muster/model";
import type { ImageFile } from "../images/image-cache.ts";
import type { NicAttachment } from "../networks/network-driver.ts";

/** "gap": events may have been missed (libvirtd restarted, buffer full); list again. */
export type VmChange = { readonly kind: "changed"; readonly vmId: VmId } | { readonly kind: "gap" };

/** Sees. Never changes anything. */
export interface VmWatch {
  /** Every domain, wild ones too, without usage. */
  list(): Promise<readonly VmObservation[]>;
  /** One domain; undefined when the host does not have it. */
  observe(vmId: VmId): Promise<VmObservation | undefined>;
  /** Usage of running domains; a hung domain is left out instead of holding up the others. */
  sample(): Promise<ReadonlyMap<VmId, VmUsage>>;
  /**
   * Names what may have changed, within milliseconds of libvirt's event, until the signal aborts. Begins with a
   * "gap" as soon as events are certain to be noticed: whoever lists then misses nothing.
   */
  changes(signal: AbortSignal): AsyncIterable<VmChange>;
  /** True when libvirt answers a cheap question within the time. */
  isAlive(timeoutMs: number): Promise<boolean>;
}

export interface VmDefinition {
  readonly vmId: VmId;
  readonly spec: VmSpec;
  readonly clusterId: ClusterId;
  readonly generation: number;
  readonly operationId: string;
  /** One for each NIC of the spec, in order. */
  readonly attachments: readonly NicAttachment[];
  /** One for each disk of the spec that is made of an image, at the disk's place. */
  readonly bases?: readonly (ImageFile | undefined)[];
}

export type PowerAction =
  "start" | "shutdown" | "destroy" | "reboot" | "reset" | "pause" | "resume";

/**
 * Changes one VM. Every method is idempotent: what is already so succeeds. A wild VM is refused ("forbidden"), an
 * unknown one is "not-found" where the method needs it.
 */
export interface VmControl {
  /** Creates missing volumes, never touches existing ones, and defines the domain with its mark. */
  define(definition: VmDefinition): Promise<void>;
  /** "shutdown" and "reboot" only ask the guest and return; the state follows by `changes`. */
  power(vmId: VmId, action: PowerAction): Promise<void>;
  /** Marks the domain, running and persistent, with a generation. */
  mark(vmId: VmId, generation: number): Promise<void>;
  /** Refuses a running domain ("wrong-state"). A missing domain is fine. */
  undefine(vmId: VmId): Promise<void>;
  /** Removes the volumes `define` made for this VM; base volumes stay. Missing ones are fine. */
  removeVolumes(vmId: VmId, spec: VmSpec): Promise<void>;
}

export interface MigrationWatcher {
  /** At most a few times a second. */
  readonly onProgress: (phase: string, stats: MigrationStats) => void;
  /** Abort it to cancel the job; `migrate` then rejects with "cancelled" and the VM runs on at the source. */
  readonly signal: AbortSignal;
}

/** Moves one VM. */
export interface VmMigration {
  /** Target side: refuses what would fail later: unknown storage, missing volume, host UUID, CPU, machine type. */
  checkArrival(vmId: VmId, spec: VmSpec): Promise<void>;
  /**
   * Source side: resolves when the guest runs on the target and is gone from here. Rejects with libvirt's reason
   * when it failed; the guest then runs on here.
   */
  migrate(action: MigrateAction, watcher: MigrationWatcher): Promise<MigrationStats>;
  /**
   * After an agent restart: follows a job that still runs to its end like `migrate`. Undefined: there is none; a VM
   * that is gone from here, or "stopped" with reason "migrated", has left.
   */
  reattach(vmId: VmId, watcher: MigrationWatcher): Promise<MigrationStats | undefined>;
}

export interface ConsoleStream {
  readonly output: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface VmConsole {
  open(vmId: VmId, options: { readonly force: boolean }): Promise<ConsoleStream>;
}

/** The disk that tells a guest about itself, and what the guest says in return. */
export interface VmSeeds {
  /** Writes the disk beside the VM's first one; one that is there is written over. */
  place(vmId: VmId, spec: VmSpec, image: Uint8Array): Promise<void>;
  /** Takes the disk out of the VM, overwrites it and removes it. A VM or disk that is gone is fine. */
  remove(vmId: VmId, spec: VmSpec): Promise<void>;
  /** The channel a guest reports on. One reader at a time; it ends when the VM stops or leaves. */
  openReports(vmId: VmId): Promise<ConsoleStream>;
}

/** What libvirt knows of the host itself. */
export interface HostFacts {
  readonly libvirtVersion: string;
  readonly qemuVersion: string;
  /** `virsh capabilities` and domain capabilities, as XML: parsed in inventory/. */
  readonly capabilitiesXml: string;
  readonly domainCapabilitiesXml: string;
  readonly memoryBytes: bigint;
  readonly logicalCpus: number;
  readonly storages: readonly StorageFact[];
  /** NICs as libvirt sees them, its own taps too; empty where it does not look. */
  readonly nics: readonly NicFact[];
}

export interface NicFact {
  readonly name: string;
  /** Lower case. */
  readonly mac: string;
}

export interface StorageFact {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  readonly capacityBytes: bigint;
  readonly availableBytes: bigint;
}

/** Where an implementation says what it does by itself, such as reconnecting. pino's loggers fit. */
export interface HypervisorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Hypervisor extends AsyncDisposable {
  readonly watch: VmWatch;
  readonly control: VmControl;
  readonly migration: VmMigration;
  readonly console: VmConsole;
  readonly seeds: VmSeeds;
  facts(): Promise<HostFacts>;
}
