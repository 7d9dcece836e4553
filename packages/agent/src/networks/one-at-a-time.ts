/**
 * Lets pieces of work run one after another in the order they came. A driver reads the host, decides and changes it:
 * two of those interleaved would act on what is no longer so.
 */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as `work` does; a failure does not hold up what waits behind it. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(work, work);
    this.#last = mine;
    return mine;
  }
}
