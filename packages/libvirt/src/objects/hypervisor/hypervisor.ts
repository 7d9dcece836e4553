import { HypervisorHost } from "./hypervisor-host.ts";

/** `inspect.custom` of node:util, which need not be loaded for it. */
const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * virConnect: an open hypervisor. Close it, or declare it with `await using`.
 *
 * Its calls come in layers, a file for each family: base, node, cpu, domains, networks, storage, devices, events, host.
 */
export class Hypervisor extends HypervisorHost {
  [inspect](): string {
    return this.isOpen
      ? `Hypervisor (open, connections: ${this.connections})`
      : "Hypervisor (closed)";
  }
}
