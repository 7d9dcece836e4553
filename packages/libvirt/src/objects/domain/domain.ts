import { DomainSnapshots } from "./domain-snapshots.ts";

/** `inspect.custom` of node:util, which need not be loaded for it. */
const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * virDomain: a virtual machine of the hypervisor.
 *
 * Its calls come in layers, a file for each family: lifecycle, definition, information, job, migration, guest,
 * devices, cpu, tuning, block, save, agent, snapshots.
 */
export class Domain extends DomainSnapshots {
  [inspect](): string {
    return `Domain ${this.name} ${this.uuid}${this.id >= 0 ? ` #${this.id}` : ""}`;
  }
}
