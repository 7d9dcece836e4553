import { HypervisorHost } from "./hypervisor-host.ts";

/**
 * virConnect: an open hypervisor. Close it, or declare it with `await using`.
 *
 * Its calls come in layers, a file for each family: base, node, cpu, domains, networks, storage, devices, events, host.
 */
export class Hypervisor extends HypervisorHost {}
