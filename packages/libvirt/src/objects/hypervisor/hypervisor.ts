import { HypervisorStorage } from "./hypervisor-storage.ts";

/** virConnect: an open hypervisor. Close it, or declare it with `await using`. */
export class Hypervisor extends HypervisorStorage {}
