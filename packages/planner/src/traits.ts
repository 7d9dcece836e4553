/**
 * Yes-or-no facts about hosts as bits, so that "has all of these" is a few machine words.
 *
 * A trait is any string the compiler of the snapshot chose, for example "network:blue".
 */
export class TraitTable {
  readonly #wordCount: number;
  readonly #bits: Int32Array;
  readonly #ids = new Map<string, number>();

  /** @param traitsOfHosts the traits of each host, by host index. */
  constructor(traitsOfHosts: readonly (readonly string[])[]) {
    for (const traits of traitsOfHosts) {
      for (const trait of traits) {
        if (!this.#ids.has(trait)) this.#ids.set(trait, this.#ids.size);
      }
    }
    this.#wordCount = Math.max(1, Math.ceil(this.#ids.size / 32));
    this.#bits = new Int32Array(this.#wordCount * traitsOfHosts.length);
    traitsOfHosts.forEach((traits, host) => {
      for (const trait of traits) {
        const id = this.#ids.get(trait) ?? 0;
        const word = host * this.#wordCount + (id >>> 5);
        this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (id & 31));
      }
    });
  }

  mask(traits: readonly string[]): TraitMask {
    const byWord = new Map<number, number>();
    let isKnown = true;
    for (const trait of traits) {
      const id = this.#ids.get(trait);
      if (id === undefined) isKnown = false;
      else byWord.set(id >>> 5, (byWord.get(id >>> 5) ?? 0) | (1 << (id & 31)));
    }
    const words = [...byWord.keys()].sort((a, b) => a - b);
    return {
      isEmpty: traits.length === 0,
      isKnown,
      words: Int32Array.from(words),
      bits: Int32Array.from(words, (word) => byWord.get(word) ?? 0),
    };
  }

  hasAll(host: number, mask: TraitMask): boolean {
    if (!mask.isKnown) return false;
    const base = host * this.#wordCount;
    for (let i = 0; i < mask.words.length; i++) {
      const bits = mask.bits[i] as number;
      if (((this.#bits[base + (mask.words[i] as number)] as number) & bits) !== bits) return false;
    }
    return true;
  }
}

export interface TraitMask {
  readonly isEmpty: boolean;
  /** False when some trait is on no host at all. */
  readonly isKnown: boolean;
  readonly words: Int32Array;
  readonly bits: Int32Array;
}
