/**
 * MAC addresses for NICs that were given none. The cluster's own pool is 02:6d:CC:NN:NN:NN, locally administered, CC
 * from the cluster's id so that two clusters on one segment differ, N a counter that never goes back; a network may
 * have a pool of another kind. Pure.
 */
import { invalid, parseAddress, type MacPool, type VmId } from "@muster/model";
import type { ClusterRecord } from "../ledger/records.ts";
import type { LedgerView } from "../ledger/view.ts";

/** Three octets, as in the cluster's own pool. */
const COUNTER_MAX = 0xff_ff_ff;
/** So many draws in a row that are taken do not happen to anybody. */
const DRAWS_MAX = 10_000;

export function macsInUse(view: LedgerView, wildMacs: ReadonlySet<string>): ReadonlySet<string> {
  const ours = [...view.vms.values()].flatMap((vm) => vm.spec.nics.map((nic) => nic.mac));
  return new Set([...ours, ...wildMacs]);
}

const hexPairs = (value: bigint, octets: number): readonly string[] =>
  value
    .toString(16)
    .padStart(octets * 2, "0")
    .match(/../g) ?? [];

export interface MacWish {
  /** Of the NIC. */
  readonly addresses: readonly string[];
  readonly field: string;
  readonly vmId: VmId;
}

/** Gives out addresses for NICs; none twice, none that is taken. */
export class MacGiver {
  readonly #cluster: ClusterRecord;
  readonly #used: Set<string>;
  #count: number;

  constructor(cluster: ClusterRecord, taken: ReadonlySet<string>) {
    this.#cluster = cluster;
    this.#used = new Set(taken);
    this.#count = cluster.macCount;
  }

  /** The cluster's counter afterwards. */
  get count(): number {
    return this.#count;
  }

  /** One that was wished for; undefined: none was. */
  take(mac: string | undefined, field: string): void {
    if (mac === undefined) return;
    if (this.#used.has(mac)) {
      throw invalid(field, `${mac} is already in use in this cluster`, "leave it out to get one");
    }
    this.#used.add(mac);
  }

  give(pool: MacPool, wish: MacWish): string {
    const mac = this.#find(pool, wish);
    this.#used.add(mac);
    return mac;
  }

  #find(pool: MacPool, { addresses, field, vmId }: MacWish): string {
    switch (pool.kind) {
      case "cluster":
        return this.#counted(`02:6d:${this.#cluster.id.slice(0, 2)}`, field);
      case "prefix":
        return this.#counted(pool.prefix, field);
      case "from-ipv4":
        return this.#fromIpv4(pool.prefix, addresses, field);
      case "random":
        return this.#random(vmId, field);
    }
  }

  #counted(prefix: string, field: string): string {
    const octets = 6 - prefix.split(":").length;
    const size = 1n << BigInt(8 * octets);
    const triesMax = Number(size < BigInt(COUNTER_MAX) ? size : BigInt(COUNTER_MAX)) + 1;
    for (let tries = 0; tries < triesMax; tries += 1) {
      this.#count = (this.#count + 1) & COUNTER_MAX;
      const mac = [prefix, ...hexPairs(BigInt(this.#count) % size, octets)].join(":");
      if (!this.#used.has(mac)) return mac;
    }
    throw invalid(`${field}.mac`, `all ${String(size)} MAC addresses ${prefix}:* are in use`);
  }

  #fromIpv4(prefix: string, addresses: readonly string[], field: string): string {
    const [first] = addresses
      .map((address) => parseAddress(address, field))
      .filter(({ family }) => family === 4);
    if (first === undefined) {
      const hint = "give the network an IPv4 subnet, or the NIC a MAC";
      throw invalid(
        `${field}.mac`,
        "its network makes MACs from IPv4 addresses; it has none",
        hint,
      );
    }
    const mac = [prefix, ...hexPairs(first.value, 4)].join(":");
    if (!this.#used.has(mac)) return mac;
    throw invalid(`${field}.mac`, `${mac}, made from its address, is already in use`);
  }

  /** The end of the VM's id is random; with a step for each try, so that the decision stays pure. */
  #random(vmId: VmId, field: string): string {
    const seed = BigInt(`0x${vmId.replaceAll("-", "").slice(-12)}`);
    for (let tries = 0; tries < DRAWS_MAX; tries += 1) {
      const drawn = (seed + BigInt(tries) * 0x1_00_01n) & 0xff_ff_ff_ff_ff_ffn;
      const [first = "00", ...rest] = hexPairs(drawn, 6);
      const local = (Number.parseInt(first, 16) & 0xfc) | 0x02;
      const mac = [local.toString(16).padStart(2, "0"), ...rest].join(":");
      if (!this.#used.has(mac)) return mac;
    }
    throw invalid(`${field}.mac`, "no free random MAC address was found");
  }
}
