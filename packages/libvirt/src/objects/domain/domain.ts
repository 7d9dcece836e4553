import { DomainDevices } from "./domain-devices.ts";

/** virDomain: a virtual machine of the hypervisor. */
export class Domain extends DomainDevices {}
