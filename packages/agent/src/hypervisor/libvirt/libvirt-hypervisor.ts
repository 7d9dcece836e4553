/**
 * The hypervisor ports over libvirt's own protocol: the only folder that knows node-libvirt. Start at
 * `LibvirtHypervisor.open`.
 */
import type { Clock } from "@muster/runtime";
import type { ConnectTarget } from "node-libvirt";
import type {
  HostFacts,
  Hypervisor,
  HypervisorLog,
  VmConsole,
  VmControl,
  VmMigration,
  VmSeeds,
  VmWatch,
} from "../hypervisor.ts";
import type { ClusterIdSource } from "./domain-handle.ts";
import { readHostFacts } from "./host-facts.ts";
import { LibvirtArrivals } from "./libvirt-arrivals.ts";
import { LibvirtConsole } from "./libvirt-console.ts";
import { LibvirtControl } from "./libvirt-control.ts";
import { attempt } from "./libvirt-error.ts";
import { LibvirtLink } from "./libvirt-link.ts";
import { LibvirtMigration } from "./libvirt-migration.ts";
import { LibvirtSeeds } from "./libvirt-seeds.ts";
import { readMounts } from "./read-mounts.ts";
import { StorageTurns } from "./storage-turns.ts";
import { LibvirtWatch } from "./libvirt-watch.ts";

export interface LibvirtHypervisorOptions {
  /** "qemu:///system", the path of libvirt's socket, or a byte stream of any other origin. */
  readonly target: { readonly uri: string } | Exclude<ConnectTarget, string>;
  readonly clock: Clock;
  readonly log: HypervisorLog;
  /** Whose marks count as ours; while it gives undefined, everybody's. */
  readonly clusterId?: ClusterIdSource;
}

export class LibvirtHypervisor implements Hypervisor {
  readonly watch: VmWatch;
  readonly control: VmControl;
  readonly migration: VmMigration;
  readonly console: VmConsole;
  readonly arrivals: LibvirtArrivals;
  readonly seeds: VmSeeds;
  readonly #link: LibvirtLink;

  private constructor(options: LibvirtHypervisorOptions) {
    const { clock, log, target } = options;
    const clusterId = options.clusterId ?? ((): undefined => undefined);
    const connectTarget: ConnectTarget =
      "socketPath" in target || "dial" in target ? target : target.uri;
    const link = new LibvirtLink({ target: connectTarget, clock, log });
    this.#link = link;
    this.watch = new LibvirtWatch({ link, clock, log, clusterId });
    const turns = new StorageTurns();
    this.control = new LibvirtControl({ link, clusterId, turns });
    this.migration = new LibvirtMigration({ link, clock, log, clusterId, readMounts, turns });
    this.console = new LibvirtConsole({ link, clusterId });
    this.arrivals = new LibvirtArrivals(link);
    this.seeds = new LibvirtSeeds({ link, clusterId, turns });
  }

  /** Also while libvirtd is down: it is connected to when it comes. */
  static async open(options: LibvirtHypervisorOptions): Promise<LibvirtHypervisor> {
    return new LibvirtHypervisor(options);
  }

  async facts(): Promise<HostFacts> {
    return attempt("read what libvirt knows of this host", async () =>
      readHostFacts(await this.#link.connection()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }
}
