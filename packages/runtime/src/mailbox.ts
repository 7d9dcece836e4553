/**
 * A bounded queue between callbacks and one `for await`: values in order, an end, or an error. When it is full
 * it ends with an error instead of growing: the reader is stuck and its owner must know.
 */
import { MusterError } from "@muster/model";

type End = { readonly error?: Error };

export class Mailbox<Value> implements AsyncIterable<Value> {
  readonly #capacity: number;
  readonly #values: Value[] = [];
  #end: End | undefined;
  #wake: (() => void) | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** False when it had ended or is full. */
  put(value: Value): boolean {
    if (this.#end !== undefined) return false;
    if (this.#values.length >= this.#capacity) {
      const count = String(this.#capacity);
      this.end(
        new MusterError("limit-exceeded", `more than ${count} messages are waiting to be read`),
      );
      return false;
    }
    this.#values.push(value);
    this.#wake?.();
    return true;
  }

  /** What was put before is still read. The first end counts. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    this.#wake?.();
  }

  get size(): number {
    return this.#values.length;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    for (;;) {
      // By length: what is put may itself be undefined, as a poke is.
      if (this.#values.length > 0) {
        yield this.#values.shift() as Value;
        continue;
      }
      if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
