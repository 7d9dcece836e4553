/**
 * Remembers on whose behalf code runs, from a person's call to the transaction it leads to, without every handler in
 * between having to hand it on: one that forgot would leave a change without a name.
 */
import { AsyncLocalStorage } from "node:async_hooks";

export interface Author {
  readonly who: string;
  readonly from: string;
  readonly call: string;
  readonly why: string;
}

export class AuditScope {
  readonly #authors = new AsyncLocalStorage<Author>();

  get author(): Author | undefined {
    return this.#authors.getStore();
  }

  within<Result>(author: Author, work: () => Result): Result {
    return this.#authors.run(author, work);
  }

  /** What goes on by itself from here on, such as an operation, is nobody's call any more. */
  outside<Result>(work: () => Result): Result {
    return this.#authors.exit(work);
  }
}
