/**
 * Writes to etcd. A request whose answer is lost may have been done, may still be done, or not; so every transaction
 * leaves its own name in one key and expects there what the one before left. Repeating it does nothing twice, and what
 * is in that key tells what became of it.
 */
import { MusterError } from "@muster/model";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  KVService,
  type Compare,
  type KeyValue,
  type RequestOp,
  type TxnResponse,
} from "@muster/proto/etcd";
import type { Clock, Random } from "@muster/runtime";
import { checkExpectations, checkSize, notLeader } from "../check-transaction.ts";
import type { Transaction } from "../store.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { bytes, type EtcdKeys } from "./etcd-keys.ts";

export interface EtcdWriterParts {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * How long a write is tried. Longer than a lease: by then another leads and the outcome is certain; or etcd has no
 * quorum, and the lease cannot be renewed either.
 */
const PATIENCE_MS = 8_000;
const PAUSE_MS = 100;

/** What a refused transaction tells. */
interface Refusal {
  readonly term: number;
  readonly newest: { readonly revision: number; readonly name: string };
  readonly revisionOf: (key: string) => number;
}

export class EtcdWriter {
  readonly #parts: EtcdWriterParts;
  /** Revision of the newest transaction as far as this process knows. */
  #newest = 0n;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(parts: EtcdWriterParts) {
    this.#parts = parts;
  }

  /** One after another: each expects what the one before left. */
  async transact(transaction: Transaction): Promise<number> {
    checkSize(transaction);
    const turn = this.#tail.then(() => this.#transact(transaction));
    this.#tail = turn.catch(nothing);
    return turn;
  }

  async #transact(transaction: Transaction): Promise<number> {
    const { clock, random } = this.#parts;
    const name = random.uuid();
    const giveUpAtMs = clock.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.#try(transaction, name, giveUpAtMs);
      if (answer === undefined) continue;
      if (answer.succeeded) {
        this.#newest = answer.header?.revision ?? 0n;
        return Number(this.#newest);
      }
      const refusal = this.#read(answer, transaction);
      // Done by an attempt whose answer was lost.
      if (refusal.newest.name === name) return this.#done(refusal.newest.revision);
      if (refusal.term !== transaction.term) throw notLeader(transaction.term, refusal.term);
      checkExpectations(transaction.expect, refusal.revisionOf);
      // The first transaction of this process in this term, or another client's in between.
      this.#done(refusal.newest.revision);
      if (clock.now() >= giveUpAtMs) {
        throw new MusterError("version-conflict", "others write to the store all the time");
      }
    }
  }

  /** Undefined: nobody answered; it may be tried again. */
  async #try(
    transaction: Transaction,
    name: string,
    giveUpAtMs: number,
  ): Promise<TxnResponse | undefined> {
    const { client, clock } = this.#parts;
    try {
      const request = this.#request(transaction, name);
      return await client.once(KVService.txn, request, "write to");
    } catch (error) {
      const mayHelp = error instanceof MusterError && error.code === "unreachable";
      if (!mayHelp || clock.now() + PAUSE_MS >= giveUpAtMs) throw error;
      await clock.sleep(PAUSE_MS);
      return undefined;
    }
  }

  #done(revision: number): number {
    this.#newest = BigInt(revision);
    return revision;
  }

  #request({ term, expect, puts, deletes }: Transaction, name: string) {
    const { records, leader, newest } = this.#parts.keys;
    return {
      compare: [
        created(leader, BigInt(term)),
        modified(newest, this.#newest),
        ...expect.map(({ key, revision }) => modified(records + key, BigInt(revision))),
      ],
      success: [
        putting(newest, name),
        ...puts.map(({ key, value }) => putting(records + key, value)),
        ...deletes.map((key) => deleting(records + key)),
      ],
      failure: [
        reading(leader),
        reading(newest),
        ...expect.map(({ key }) => reading(records + key, { keysOnly: true })),
      ],
    };
  }

  #read({ responses }: TxnResponse, { expect }: Transaction): Refusal {
    const found = responses.map(({ response }): KeyValue | undefined =>
      response?.$case === "responseRange" ? response.value.kvs[0] : undefined,
    );
    const [leader, newest, ...expected] = found;
    const revisions = new Map(
      expect.map(({ key }, index) => [key, Number(expected[index]?.modRevision ?? 0n)]),
    );
    return {
      term: Number(leader?.createRevision ?? 0n),
      newest: {
        revision: Number(newest?.modRevision ?? 0n),
        name: newest?.value.toString("utf8") ?? "",
      },
      revisionOf: (key) => revisions.get(key) ?? 0,
    };
  }
}

const none = Buffer.alloc(0);

const created = (key: string, value: bigint): Compare => ({
  result: Compare_CompareResult.EQUAL,
  target: Compare_CompareTarget.CREATE,
  key: bytes(key),
  targetUnion: { $case: "createRevision", value },
});

const modified = (key: string, value: bigint): Compare => ({
  result: Compare_CompareResult.EQUAL,
  target: Compare_CompareTarget.MOD,
  key: bytes(key),
  targetUnion: { $case: "modRevision", value },
});

const putting = (key: string, value: string): RequestOp => ({
  request: { $case: "requestPut", value: { key: bytes(key), value: bytes(value), lease: 0n } },
});

const deleting = (key: string): RequestOp => ({
  request: { $case: "requestDeleteRange", value: { key: bytes(key), rangeEnd: none } },
});

const reading = (key: string, { keysOnly = false } = {}): RequestOp => ({
  request: {
    $case: "requestRange",
    value: { key: bytes(key), rangeEnd: none, limit: 0n, revision: 0n, keysOnly },
  },
});

function nothing(): void {
  // The caller of `transact` hears how it ended.
}
