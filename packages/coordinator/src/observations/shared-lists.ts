/**
 * Hosts of one make say the same long lists: CPU features, CPU models, machine types. Kept once for all of them, a
 * thousand hosts cost a few kilobytes instead of some ten megabytes.
 */
import type { HostInventory } from "@muster/model";

/** Makes and software versions of one cluster. Beyond it something else is being said, and sharing begins anew. */
const LISTS_MAX = 1_000;

export class SharedLists {
  readonly #lists = new Map<string, readonly unknown[]>();

  /** The same inventory, equal lists shared. */
  share(inventory: HostInventory): HostInventory {
    const { cpu, numaCells, machineTypes } = inventory;
    return {
      ...inventory,
      cpu: {
        ...cpu,
        features: this.#shared(cpu.features),
        usableModels: this.#shared(cpu.usableModels),
      },
      numaCells: numaCells.map((cell) => ({ ...cell, cpus: this.#shared(cell.cpus) })),
      machineTypes: this.#shared(machineTypes),
    };
  }

  #shared<Item extends string | number>(list: readonly Item[]): readonly Item[] {
    const key = JSON.stringify(list);
    const known = this.#lists.get(key) as readonly Item[] | undefined;
    if (known !== undefined) return known;
    if (this.#lists.size >= LISTS_MAX) this.#lists.clear();
    this.#lists.set(key, list);
    return list;
  }
}
