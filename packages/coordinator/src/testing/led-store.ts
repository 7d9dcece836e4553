/** What a suite needs to know of a store, and a store with its leader, as short as tests want it. */
import type { Leadership, Member } from "../store/election.ts";
import type { Store, Transaction } from "../store/store.ts";

export interface StoreSetting {
  readonly name: string;
  /** A new, empty place to store things. */
  readonly newPlace: () => Promise<string>;
  /** The store there: what an earlier one, closed or killed, had written is in it. */
  readonly open: (place: string) => Promise<Store>;
  /** Until another may lead although this one, which has not resigned, believes that it does. */
  readonly overtake: (store: Store) => Promise<void>;
  /** Random histories; each is some ten transactions. */
  readonly histories: number;
}

export const member = (name: string): Member => ({ name, version: "1.0.0", addresses: [name] });

export const lead = (store: Store, name = "a"): Promise<Leadership> =>
  store.campaign(member(name), new AbortController().signal);

export class LedStore implements AsyncDisposable {
  readonly store: Store;
  readonly leadership: Leadership;

  private constructor(store: Store, leadership: Leadership) {
    this.store = store;
    this.leadership = leadership;
  }

  static async on(store: Store, name = "a"): Promise<LedStore> {
    return new LedStore(store, await lead(store, name));
  }

  transact(transaction: Partial<Transaction>): Promise<number> {
    const { term } = this.leadership;
    return this.store.transact({ term, expect: [], puts: [], deletes: [], ...transaction });
  }

  put(key: string, value = "x"): Promise<number> {
    return this.transact({ puts: [{ key, value }] });
  }

  async contents(): Promise<Readonly<Record<string, string>>> {
    const { records } = await this.store.snapshot();
    return Object.fromEntries(records.map(({ key, value }) => [key, value]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leadership.resign(new Error("the test is over"));
    await this.store[Symbol.asyncDispose]();
  }
}

export type Open = () => Promise<LedStore>;
