/** What a stream has received and nobody has read. */

/** Data, or the length in bytes of a run of zeros that a sparse stream does not send. */
export type StreamItem =
  | { readonly kind: "data"; readonly data: Buffer }
  | { readonly kind: "hole"; readonly bytes: bigint };

/** What a hole counts while it waits to be read, so that a flood of them is held back too. */
const HOLE_FRAME_BYTES = 40;

/** Above this many received and unread bytes the socket is paused. */
const RECEIVE_HIGH_BYTES = 1_048_576;

const costOf = (item: StreamItem) => (item.kind === "data" ? item.data.length : HOLE_FRAME_BYTES);

export class StreamInbox {
  readonly #items: StreamItem[] = [];
  readonly #setPaused: (isPaused: boolean) => void;
  #bytes = 0;
  #isPaused = false;
  /** Memory of a reader who waits; it is filled where the bytes arrive. */
  #target: Uint8Array | undefined;
  #targetBytes = 0;

  constructor(setPaused: (isPaused: boolean) => void) {
    this.#setPaused = setPaused;
  }

  /** Takes data in. True if its memory is kept. */
  add(data: Buffer): boolean {
    const rest = this.#target ? this.#fill(this.#target, data) : data;
    if (rest.length > 0) this.addItem({ kind: "data", data: rest });
    return rest.length > 0;
  }

  addItem(item: StreamItem): void {
    this.#items.push(item);
    this.#bytes += costOf(item);
    if (this.#bytes > RECEIVE_HIGH_BYTES) this.#pause(true);
  }

  /** The next item if there is one. */
  take(): StreamItem | undefined {
    const item = this.#items.shift();
    if (!item) return undefined;
    this.#bytes -= costOf(item);
    if (this.#bytes < RECEIVE_HIGH_BYTES / 2) this.#pause(false);
    return item;
  }

  /** Fills `target` from what is here. Gives the number of bytes. */
  copyInto(target: Uint8Array): number {
    let filled = 0;
    while (filled < target.length) {
      const item = this.take();
      if (!item) break;
      const room = target.subarray(filled);
      const size = item.kind === "data" ? item.data.length : Number(item.bytes);
      const taken = Math.min(size, room.length);
      if (item.kind === "data") room.set(item.data.subarray(0, taken));
      else room.fill(0, 0, taken);
      if (taken < size) this.#putBack(item, taken);
      filled += taken;
    }
    return filled;
  }

  /** The next data goes straight into `target`. */
  expectInto(target: Uint8Array): void {
    this.#target = target;
    this.#targetBytes = 0;
  }

  /** Ends that. Gives the number of bytes that came. */
  endExpecting(): number {
    this.#target = undefined;
    return this.#targetBytes;
  }

  clear(): void {
    this.#items.length = 0;
    this.#bytes = 0;
    this.#pause(false);
  }

  #fill(target: Uint8Array, data: Buffer): Buffer {
    const size = Math.min(data.length, target.length - this.#targetBytes);
    target.set(data.subarray(0, size), this.#targetBytes);
    this.#targetBytes += size;
    return data.subarray(size);
  }

  /** The rest of an item of which `taken` bytes were used. */
  #putBack(item: StreamItem, taken: number): void {
    const rest: StreamItem =
      item.kind === "data"
        ? { kind: "data", data: item.data.subarray(taken) }
        : { kind: "hole", bytes: item.bytes - BigInt(taken) };
    this.#items.unshift(rest);
    this.#bytes += costOf(rest);
  }

  #pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    this.#setPaused(isPaused);
  }
}
