/**
 * Who sits where, as a local search sees it: flat arrays over VM index and host index.
 *
 * The hard rules are capacities per dimension, which hosts a class of VMs may use, and group rules. What is
 * minimised is how uneven the hosts are, plus penalties.
 */
export interface BalanceProblem {
  readonly hostCount: number;
  readonly vmCount: number;
  /** Dimensions of capacity, for example CPUs, memory, a page size, a local storage, number of VMs. */
  readonly dimensionCount: number;
  /** By host, then dimension; what VMs not in this problem take is already subtracted. */
  readonly capacity: Float64Array;
  /** By VM, then dimension. */
  readonly need: Float64Array;
  readonly termCount: number;
  /** By term: what a unit of its standard deviation over the counted hosts costs. */
  readonly termWeight: Float64Array;
  /** By host, then term: its value without any VM of this problem. */
  readonly termBase: Float64Array;
  /** By VM, then term; times the host's scale this is what the VM adds to the host's value. */
  readonly termAmount: Float64Array;
  /** By host, then term. */
  readonly termScale: Float64Array;
  /** By host: 1 when it takes part in evenness and may be given VMs. */
  readonly counted: Uint8Array;
  /** What a VM on a host that is not counted costs. */
  readonly strandedPenalty: number;
  /** By VM: host index at the start. */
  readonly origin: Int32Array;
  /** By VM: what being away from its origin costs. */
  readonly moveCost: Float64Array;
  /** By VM: 1 when it may move. */
  readonly movable: Uint8Array;
  /** By VM; VMs of one class may use the same hosts. */
  readonly classOf: Int32Array;
  /** By class, then host. */
  readonly allowed: Uint8Array;
  readonly rules: readonly SearchRule[];
  /** By VM. */
  readonly rulesOf: readonly (readonly number[])[];
}

export interface SearchRule {
  readonly mode: "spread" | "pack";
  readonly max: number;
  /** By host index. */
  readonly domainOfHost: Int32Array;
  readonly domainCount: number;
  /** Infinity for a required rule, else what each member too many (spread) or each further domain (pack) costs. */
  readonly penalty: number;
}
