/** Records in etcd, for two and more coordinators. Who may write is `etcd-election.ts`'s. */
import { MusterError } from "@muster/model";
import { KVService, type KeyValue } from "@muster/proto/etcd";
import type { Clock, Random } from "@muster/runtime";
import type { Leader, Leadership, Member } from "../election.ts";
import type { Store, StoreChange, StoredRecord, StoreSnapshot, Transaction } from "../store.ts";
import { EtcdClient, type EtcdAccess } from "./etcd-client.ts";
import { EtcdElection } from "./etcd-election.ts";
import { after, below, bytes, keysBelow, type EtcdKeys } from "./etcd-keys.ts";
import { EtcdWriter } from "./etcd-writer.ts";
import { watchEtcd } from "./watch-etcd.ts";

export interface EtcdStoreOptions {
  readonly access: EtcdAccess;
  /** Clusters that share one etcd differ in it. */
  readonly prefix: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Records in one answer: some megabytes. */
const PAGE_RECORDS = 2_000;
/** Somebody compacted in the middle of a snapshot. Twice in a row is not chance. */
const SNAPSHOT_TRIES = 3;

export class EtcdStore implements Store {
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #writer: EtcdWriter;
  readonly #election: EtcdElection;

  constructor({ access, prefix, leaseMs, clock, random }: EtcdStoreOptions) {
    this.#client = new EtcdClient(access, clock);
    this.#keys = keysBelow(prefix);
    const parts = { client: this.#client, keys: this.#keys, clock };
    this.#writer = new EtcdWriter({ ...parts, random });
    this.#election = new EtcdElection({ ...parts, leaseMs });
  }

  async snapshot(): Promise<StoreSnapshot> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#read();
      } catch (error) {
        const isCompacted = error instanceof MusterError && error.code === "version-conflict";
        if (!isCompacted || tries === SNAPSHOT_TRIES) throw error;
      }
    }
  }

  async newest(): Promise<number> {
    const request = { ...now, key: bytes(this.#keys.newest) };
    const { kvs } = await this.#client.ask(KVService.range, request, { doing: "read from" });
    return Number(kvs[0]?.modRevision ?? 0n);
  }

  transact(transaction: Transaction): Promise<number> {
    return this.#writer.transact(transaction);
  }

  watch(after: number, signal: AbortSignal): AsyncIterable<StoreChange> {
    return watchEtcd({ client: this.#client, keys: this.#keys }, after, signal);
  }

  async compact(through: number): Promise<void> {
    try {
      const request = { revision: BigInt(through) };
      await this.#client.ask(KVService.compact, request, { doing: "compact" });
    } catch (error) {
      // Another one was faster.
      if (!(error instanceof MusterError && error.code === "version-conflict")) throw error;
    }
  }

  campaign(member: Member, signal: AbortSignal): Promise<Leadership> {
    return this.#election.campaign(member, signal);
  }

  leader(): Promise<Leader | undefined> {
    return this.#election.leader();
  }

  members(): Promise<readonly Member[]> {
    return this.#election.members();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#election[Symbol.asyncDispose]();
    this.#client[Symbol.dispose]();
  }

  async #read(): Promise<StoreSnapshot> {
    const all = below(this.#keys.records);
    const records: StoredRecord[] = [];
    let { key } = all;
    let revision = 0n;
    for (;;) {
      const { rangeEnd } = all;
      const request = { key, rangeEnd, limit: BigInt(PAGE_RECORDS), revision, keysOnly: false };
      const page = await this.#client.ask(KVService.range, request, { doing: "read from" });
      if (revision === 0n) revision = page.header?.revision ?? 0n;
      for (const kv of page.kvs) records.push(this.#recordOf(kv));
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { revision: Number(revision), records };
      key = after(last.key);
    }
  }

  #recordOf({ key, value, modRevision }: KeyValue): StoredRecord {
    return {
      key: key.toString("utf8").slice(this.#keys.records.length),
      value: value.toString("utf8"),
      revision: Number(modRevision),
    };
  }
}

const now = { rangeEnd: Buffer.alloc(0), limit: 0n, revision: 0n, keysOnly: false };
