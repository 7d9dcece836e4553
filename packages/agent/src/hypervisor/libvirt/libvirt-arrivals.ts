/** What libvirt and QEMU tell and do about a VM that has just moved here. */
import type { VmId } from "@muster/model";
import { isLibvirtError } from "node-libvirt";
import { findDomain } from "./domain-handle.ts";
import { attempt } from "./libvirt-error.ts";
import type { LibvirtLink } from "./libvirt-link.ts";
import { migrationStatsFrom } from "./vm-state.ts";

export interface Announcement {
  readonly rounds: number;
  readonly intervalMs: number;
}

export class LibvirtArrivals {
  readonly #link: LibvirtLink;

  constructor(link: LibvirtLink) {
    this.#link = link;
  }

  /** Milliseconds; the target keeps the last migration's statistics too. Undefined: there was none, or it does not know. */
  async downtimeMs(vmId: VmId): Promise<number | undefined> {
    return attempt(`ask how long vm ${vmId} stood still`, async () => {
      const domain = await findDomain(await this.#link.connection(), vmId);
      try {
        const job = await domain?.getJobStats({ flags: ["completed", "keepCompleted"] });
        if (job === undefined || job.type !== "completed") return undefined;
        return migrationStatsFrom(job.stats).downtimeMs;
      } catch (error) {
        if (isLibvirtError(error, "operationInvalid", "noDomain")) return undefined;
        throw error;
      }
    });
  }

  /** QEMU sends for each NIC what makes switches learn its port, and asks a virtio guest to send its ARP and ND. */
  async announce(vmId: VmId, { rounds, intervalMs }: Announcement): Promise<void> {
    await attempt(`announce vm ${vmId}`, async () => {
      const domain = await findDomain(await this.#link.connection(), vmId);
      const times = { initial: intervalMs, max: intervalMs, rounds, step: 0 };
      const command = JSON.stringify({ execute: "announce-self", arguments: times });
      await domain?.qemuMonitorCommand(command);
    });
  }
}
