/** Changing one VM through libvirt. Every method succeeds when what it is to bring about is already so. */
import { MusterError, type VmId, type VmSpec } from "@muster/model";
import { isLibvirtError, type Domain } from "node-libvirt";
import type { DomainFacts } from "../domain-xml/domain-facts.ts";
import { MARK_NAMESPACE, MARK_PREFIX, renderMark } from "../domain-xml/mark.ts";
import { renderDomain, seedVolumeOf } from "../domain-xml/render-domain.ts";
import type { PowerAction, VmControl, VmDefinition } from "../hypervisor.ts";
import {
  findDomain,
  isDeparting,
  requireDomain,
  requireOurs,
  type ClusterIdSource,
} from "./domain-handle.ts";
import { readDomainFacts } from "./host-facts.ts";
import { attempt, unlessRefused } from "./libvirt-error.ts";
import type { Connection, LibvirtLink } from "./libvirt-link.ts";
import { LibvirtStorage } from "./libvirt-storage.ts";
import type { StorageTurns } from "./storage-turns.ts";
import { isArriving } from "./vm-state.ts";

export class LibvirtControl implements VmControl {
  readonly #link: LibvirtLink;
  readonly #clusterId: ClusterIdSource;
  readonly #turns: StorageTurns;
  /** They cannot change while a libvirtd lives, and a new one is a new connection. */
  readonly #facts = new WeakMap<Connection, DomainFacts>();

  constructor(parts: {
    readonly link: LibvirtLink;
    readonly clusterId: ClusterIdSource;
    readonly turns: StorageTurns;
  }) {
    this.#link = parts.link;
    this.#clusterId = parts.clusterId;
    this.#turns = parts.turns;
  }

  async define(definition: VmDefinition): Promise<void> {
    const { vmId, spec, bases } = definition;
    await attempt(`define vm ${vmId}`, async () => {
      const connection = await this.#link.connection();
      const existing = await findDomain(connection, vmId);
      if (existing !== undefined) await requireOurs(existing, this.#clusterId);
      await refuseTwin(connection, vmId, spec.name);
      const facts = await this.#factsOf(connection);
      await new LibvirtStorage(connection, this.#turns).ensureVolumes(vmId, spec, bases);
      await connection.domainDefineXml(renderDomain(definition, facts));
    });
  }

  async power(vmId: VmId, action: PowerAction): Promise<void> {
    await attempt(`${action} vm ${vmId}`, async () => {
      const domain = await requireDomain(await this.#link.connection(), vmId);
      await requireOurs(domain, this.#clusterId);
      if (isArriving(await domain.getState())) {
        throw new MusterError("busy", `vm ${vmId} is arriving on this host`);
      }
      if (await isAlready(domain, action)) return;
      try {
        await act(domain, action);
      } catch (error) {
        // Somebody was faster, or the guest ended by itself: what was wanted may be so by now.
        const overtaken = isLibvirtError(error, "operationInvalid", "operationFailed");
        if (overtaken && (await isAlready(domain, action))) return;
        throw error;
      }
    });
  }

  async mark(vmId: VmId, generation: number): Promise<void> {
    await attempt(`mark vm ${vmId}`, async () => {
      const domain = await requireDomain(await this.#link.connection(), vmId);
      const mark = await requireOurs(domain, this.#clusterId);
      // libvirt would wait half a minute for the migration to end, then refuse.
      if (await isDeparting(domain)) {
        throw new MusterError("busy", `vm ${vmId} is being migrated`);
      }
      const [isActive, isPersistent] = await Promise.all([
        domain.isActive(),
        domain.isPersistent(),
      ]);
      await domain.setMetadata("element", renderMark({ ...mark, generation }), {
        key: MARK_PREFIX,
        uri: MARK_NAMESPACE,
        flags: [
          ...(isActive ? (["live"] as const) : []),
          ...(isPersistent ? (["config"] as const) : []),
        ],
      });
    });
  }

  async undefine(vmId: VmId): Promise<void> {
    await attempt(`undefine vm ${vmId}`, async () => {
      const connection = await this.#link.connection();
      const domain = await findDomain(connection, vmId);
      if (domain === undefined) return;
      await requireOurs(domain, this.#clusterId);
      await refuseActive(domain, "undefine");
      const { virtualization } = await this.#factsOf(connection);
      // What would outlive the domain and make libvirt refuse, or haunt a later VM of the same name.
      const leftovers = ["managedSave", "snapshotsMetadata"] as const;
      const flags =
        virtualization === "test"
          ? leftovers
          : ([...leftovers, "checkpointsMetadata", "nvram"] as const);
      await unlessRefused(domain.undefine({ flags }), "noDomain");
    });
  }

  async removeVolumes(vmId: VmId, spec: VmSpec): Promise<void> {
    await attempt(`remove the volumes of vm ${vmId}`, async () => {
      const connection = await this.#link.connection();
      const domain = await findDomain(connection, vmId);
      if (domain !== undefined) await refuseActive(domain, "remove the volumes of");
      const storage = new LibvirtStorage(connection, this.#turns);
      await storage.removeVolumes(vmId, spec);
      const [first] = spec.disks;
      if (spec.context === undefined || first === undefined) return;
      await storage.wipeVolume(first.storage, seedVolumeOf(vmId));
    });
  }

  async #factsOf(connection: Connection): Promise<DomainFacts> {
    const known = this.#facts.get(connection);
    if (known !== undefined) return known;
    const facts = await readDomainFacts(connection);
    this.#facts.set(connection, facts);
    return facts;
  }
}

/** libvirt has one domain of a name; whose it is does not matter. */
export async function refuseTwin(connection: Connection, vmId: VmId, name: string): Promise<void> {
  const twin = await unlessRefused(connection.domainLookupByName(name), "noDomain");
  if (twin === undefined || twin.uuid === vmId) return;
  throw new MusterError("already-exists", `this host already has another domain named "${name}"`, {
    reasons: [`it is ${twin.uuid}`],
  });
}

async function refuseActive(domain: Domain, verb: string): Promise<void> {
  if (!(await domain.isActive())) return;
  const message = `cannot ${verb} vm ${domain.uuid} on this host: it is active`;
  throw new MusterError("wrong-state", message);
}

/** Throws "wrong-state" for what only a running VM can do. */
async function isAlready(domain: Domain, action: PowerAction): Promise<boolean> {
  const [{ state }, isActive] = await Promise.all([domain.getState(), domain.isActive()]);
  if (action === "start") return isActive;
  if (action === "shutdown" || action === "destroy") return !isActive;
  if (!isActive) {
    throw new MusterError("wrong-state", `cannot ${action} vm ${domain.uuid}: it is not running`);
  }
  if (action === "pause") return state === "paused";
  return action === "resume" && (state === "running" || state === "blocked");
}

function act(domain: Domain, action: PowerAction): Promise<void> {
  switch (action) {
    case "start":
      return domain.create();
    case "shutdown":
      return domain.shutdown();
    case "destroy":
      return domain.destroy();
    case "reboot":
      return domain.reboot();
    case "reset":
      return domain.reset();
    case "pause":
      return domain.suspend();
    case "resume":
      return domain.resume();
  }
}
