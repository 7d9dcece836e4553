import { inspect } from "node:util";
import { DomainSnapshots } from "./domain-snapshots.ts";

/**
 * virDomain: a virtual machine of the hypervisor.
 *
 * Its calls come in layers, a file for each family: lifecycle, definition, information, job, migration, guest,
 * devices, cpu, tuning, block, save, agent, snapshots.
 */
export class Domain extends DomainSnapshots {
  [inspect.custom](): string {
    return `Domain ${this.name} ${this.uuid}${this.id >= 0 ? ` #${this.id}` : ""}`;
  }
}
