/** The disks that tell guests about themselves, and the channels they report on, through libvirt. */
import { REPORT_CHANNEL } from "@muster/context";
import { MusterError, type VmId, type VmSpec } from "@muster/model";
import { isLibvirtError, type Domain } from "node-libvirt";
import { SEED_TARGET, seedVolumeOf } from "../domain-xml/render-domain.ts";
import type { ConsoleStream, VmSeeds } from "../hypervisor.ts";
import { attributeOf, childOf, childrenOf } from "../xml/element.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { element, renderXml } from "../xml/render-xml.ts";
import { findDomain, requireDomain, requireOurs, type ClusterIdSource } from "./domain-handle.ts";
import { consoleStream } from "./libvirt-console.ts";
import { attempt } from "./libvirt-error.ts";
import type { LibvirtLink } from "./libvirt-link.ts";
import { LibvirtStorage } from "./libvirt-storage.ts";
import type { StorageTurns } from "./storage-turns.ts";

export class LibvirtSeeds implements VmSeeds {
  readonly #link: LibvirtLink;
  readonly #clusterId: ClusterIdSource;
  readonly #turns: StorageTurns;

  constructor(parts: {
    readonly link: LibvirtLink;
    readonly clusterId: ClusterIdSource;
    readonly turns: StorageTurns;
  }) {
    this.#link = parts.link;
    this.#clusterId = parts.clusterId;
    this.#turns = parts.turns;
  }

  async place(vmId: VmId, spec: VmSpec, image: Uint8Array): Promise<void> {
    await attempt(`write the seed of vm ${vmId}`, async () => {
      const connection = await this.#link.connection();
      const domain = await findDomain(connection, vmId);
      // Its guest may be reading it: what it has already read must not change.
      if (domain !== undefined && (await domain.isActive())) return;
      const storage = new LibvirtStorage(connection, this.#turns);
      await storage.writeVolume(storageOf(spec), seedVolumeOf(vmId), image);
    });
  }

  async remove(vmId: VmId, spec: VmSpec): Promise<void> {
    await attempt(`remove the seed of vm ${vmId}`, async () => {
      const connection = await this.#link.connection();
      const domain = await findDomain(connection, vmId);
      if (domain !== undefined) {
        await requireOurs(domain, this.#clusterId);
        await eject(domain);
      }
      const storage = new LibvirtStorage(connection, this.#turns);
      await storage.wipeVolume(storageOf(spec), seedVolumeOf(vmId));
    });
  }

  async openReports(vmId: VmId): Promise<ConsoleStream> {
    return attempt(`listen to the guest of vm ${vmId}`, async () => {
      const domain = await requireDomain(await this.#link.connection(), vmId);
      await requireOurs(domain, this.#clusterId);
      if (!(await domain.isActive())) {
        throw new MusterError("wrong-state", `vm ${vmId} is not running`);
      }
      // A listener of an agent that is gone may still hold it.
      return consoleStream(await domain.openChannel({ name: REPORT_CHANNEL, flags: ["force"] }));
    });
  }
}

function storageOf(spec: VmSpec): string {
  const [first] = spec.disks;
  if (first !== undefined) return first.storage;
  throw new MusterError("invalid", `VM ${spec.name} has no disk, so there is no place for a seed`);
}

const emptyDrive = (): string =>
  renderXml(
    element("disk", { type: "file", device: "cdrom" }, [
      element("target", SEED_TARGET),
      element("readonly"),
    ]),
  );

/** Is there a disk in the drive of this description? Undefined: there is no drive. */
function isLoaded(xml: string, what: string): boolean | undefined {
  const drive = childrenOf(childOf(parseXml(xml, what), "devices"), "disk").find(
    (disk) => attributeOf(childOf(disk, "target"), "dev") === SEED_TARGET.dev,
  );
  return drive === undefined ? undefined : childOf(drive, "source") !== undefined;
}

async function eject(domain: Domain): Promise<void> {
  const what = `domain XML of ${domain.uuid}`;
  if ((await domain.isActive()) && isLoaded(await domain.getXmlDesc(), what) === true) {
    try {
      await domain.updateDevice(emptyDrive(), { flags: ["live"] });
    } catch (error) {
      // A guest that still has it mounted locks the drive. It was told that the disk goes once it is configured.
      if (!isLibvirtError(error, "operationFailed", "internalError")) throw error;
      await domain.updateDevice(emptyDrive(), { flags: ["live", "force"] });
    }
  }
  if (!(await domain.isPersistent())) return;
  const kept = await domain.getXmlDesc({ flags: ["inactive"] });
  if (isLoaded(kept, what) === true) await domain.updateDevice(emptyDrive(), { flags: ["config"] });
}
