/**
 * The name of a snapshot: 64 bits over everything in it. It is put together from a hash of each host, VM and claim,
 * added up without regard to order, so that whoever keeps the sums pays only for what changed.
 */
import { canonicalText } from "./saved-snapshot.ts";
import type { Snapshot } from "./snapshot.ts";

/** 64 bits as two halves: a bigint a byte would take a second for a large cluster. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** FNV-1a over the UTF-8 bytes. */
export function hashText(text: string): Hash64 {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of new TextEncoder().encode(text)) {
    low = (low ^ byte) >>> 0;
    // Times 2^40 + 0x1b3. The product of the lower half and 0x1b3 has at most 41 bits, so it is exact.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + (low << 8) + Math.floor(product / 2 ** 32)) >>> 0;
    low = product >>> 0;
  }
  return { high, low };
}

/** The hash of one host, VM or claim. */
export const hashPart = (part: object): Hash64 => hashText(canonicalText(part));

/** Sum of parts' hashes, modulo 2^64. */
export class PartSum {
  #high = 0;
  #low = 0;
  #count = 0;

  add({ high, low }: Hash64): void {
    const sum = this.#low + low;
    this.#low = sum >>> 0;
    this.#high = (this.#high + high + (sum > 0xffff_ffff ? 1 : 0)) >>> 0;
    this.#count += 1;
  }

  remove({ high, low }: Hash64): void {
    const rest = this.#low - low;
    this.#low = rest >>> 0;
    this.#high = (this.#high - high - (rest < 0 ? 1 : 0)) >>> 0;
    this.#count -= 1;
  }

  text(): string {
    return `${String(this.#count)}:${hex({ high: this.#high, low: this.#low })}`;
  }
}

export interface SnapshotSums {
  readonly hosts: PartSum;
  readonly vms: PartSum;
  readonly claims: PartSum;
}

/** @param whole the snapshot without its hosts, VMs and claims. */
export function hashFromSums(
  whole: Omit<Snapshot, "hosts" | "vms" | "claims">,
  { hosts, vms, claims }: SnapshotSums,
): string {
  const head = canonicalText({
    ...whole,
    ...(whole.rules === undefined
      ? {}
      : { rules: whole.rules.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }),
  });
  return hex(hashText([head, hosts.text(), vms.text(), claims.text()].join("\n")));
}

/** Hashes that somebody kept up to date; a snapshot is a value, so what was true of it stays true. */
const known = new WeakMap<Snapshot, string>();

/** For the keeper of sums: {@link snapshotHash} of this value need not be worked out. */
export function noteSnapshotHash(snapshot: Snapshot, hash: string): void {
  known.set(snapshot, hash);
}

/** In hex: names the snapshot that a decision was made on. The order of its parts does not matter. */
export function snapshotHash(snapshot: Snapshot): string {
  const found = known.get(snapshot);
  if (found !== undefined) return found;
  const { hosts, vms, claims, ...whole } = snapshot;
  const sumOf = (parts: readonly object[]): PartSum => {
    const sum = new PartSum();
    for (const part of parts) sum.add(hashPart(part));
    return sum;
  };
  const hash = hashFromSums(whole, {
    hosts: sumOf(hosts),
    vms: sumOf(vms),
    claims: sumOf(claims),
  });
  known.set(snapshot, hash);
  return hash;
}

const hex = ({ high, low }: Hash64): string =>
  high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
