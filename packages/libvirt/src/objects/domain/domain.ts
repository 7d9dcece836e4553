import { DomainDescriptors } from "./domain-descriptors.ts";

/** `inspect.custom` of node:util, which need not be loaded for it. */
const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * virDomain: a virtual machine of the hypervisor.
 *
 * Its calls come in layers, a file for each family: lifecycle, definition, information, job, migration, guest,
 * devices, cpu, tuning, block, save, agent, snapshots, and descriptors, which Node cannot pass.
 */
export class Domain extends DomainDescriptors {
  [inspect](): string {
    return `Domain ${this.name} ${this.uuid}${this.id >= 0 ? ` #${this.id}` : ""}`;
  }
}
