import { HypervisorDomains } from "./hypervisor-domains.ts";

/** virConnect: an open hypervisor. Close it, or declare it with `await using`. */
export class Hypervisor extends HypervisorDomains {}
