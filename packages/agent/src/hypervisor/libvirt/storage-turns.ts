/**
 * One change of a storage at a time. libvirt refuses to list a pool anew while it makes a volume there, and every
 * volume that is looked for may need that.
 */
import { OneAtATime } from "../../networks/one-at-a-time.ts";

export class StorageTurns {
  readonly #queues = new Map<string, OneAtATime>();

  run<Result>(storage: string, work: () => Promise<Result>): Promise<Result> {
    const queue = this.#queues.get(storage) ?? new OneAtATime();
    // As many as there are names of storages in specs: few, and nothing is held by an idle one.
    this.#queues.set(storage, queue);
    return queue.run(work);
  }
}
