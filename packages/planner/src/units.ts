/**
 * Sizes inside the planner are MiB as doubles. Every byte count below 2^73 with at most 53 significant
 * bits is exact in that form, and so are sums of such sizes: the accounting does not round.
 */
const BYTES_PER_MIB = 2 ** 20;

export const toMiB = (bytes: bigint): number => Number(bytes) / BYTES_PER_MIB;
