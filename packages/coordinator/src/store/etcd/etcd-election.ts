/**
 * Election by lease. One key says who leads; it lives as long as its leader's lease, and the revision at which it was
 * created is the term. Every write of a leader asks for that revision, so one whose key is gone writes nothing.
 */
import { MusterError } from "@muster/model";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  KVService,
  LeaseService,
  type KeyValue,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
} from "@muster/proto/etcd";
import type { Clock } from "@muster/runtime";
import type { Leader, Leadership, Member } from "../election.ts";
import { keepLease } from "../keep-lease.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { below, bytes, type EtcdKeys } from "./etcd-keys.ts";

export interface EtcdElectionParts {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly clock: Clock;
  readonly leaseMs: number;
}

/** How often a candidate looks whether anybody leads. A resigned leader is replaced after this at the latest. */
const LOOK_PERIOD_MS = 300;
const none = Buffer.alloc(0);
const now = { rangeEnd: none, limit: 0n, revision: 0n, keysOnly: false };

/** What a candidate holds while it waits: it is there, says its key under `members`. */
interface Candidacy {
  readonly lease: bigint;
  /** Of the lease's last renewal. */
  askedAtMs: number;
}

export class EtcdElection implements AsyncDisposable {
  readonly #parts: EtcdElectionParts;
  readonly #closed = new AbortController();
  readonly #leases = new Set<bigint>();

  constructor(parts: EtcdElectionParts) {
    this.#parts = parts;
  }

  async campaign(member: Member, signal: AbortSignal): Promise<Leadership> {
    const { clock, leaseMs } = this.#parts;
    const stop = AbortSignal.any([signal, this.#closed.signal]);
    let candidacy: Candidacy | undefined;
    for (;;) {
      stop.throwIfAborted();
      candidacy ??= await this.#announce(member);
      const isDue = clock.now() - candidacy.askedAtMs >= leaseMs / 3;
      if (isDue && !(await this.#renewCandidacy(candidacy))) {
        candidacy = undefined;
        continue;
      }
      const term = await this.#tryLead(member, candidacy.lease);
      if (term !== undefined) return this.#lead(term, candidacy);
      await clock.sleep(LOOK_PERIOD_MS, stop);
    }
  }

  async leader(): Promise<Leader | undefined> {
    const found = await this.#leaderKey();
    if (found === undefined) return undefined;
    return { term: Number(found.createRevision), member: memberOf(found) };
  }

  async members(): Promise<readonly Member[]> {
    const { client, keys } = this.#parts;
    const request = { ...now, ...below(keys.members) };
    const { kvs } = await client.ask(KVService.range, request, { doing: "read from" });
    return kvs.map(memberOf);
  }

  /** Lets others lead at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new MusterError("unreachable", "the store was closed"));
    // Leases that cannot be given back end by themselves.
    await Promise.allSettled([...this.#leases].map((lease) => this.#revoke(lease)));
  }

  async #announce(member: Member): Promise<Candidacy> {
    const { client, clock, keys, leaseMs } = this.#parts;
    const askedAtMs = clock.now();
    const request = { TTL: BigInt(Math.ceil(leaseMs / 1_000)) };
    const doing = "ask for a lease from";
    const { ID: lease } = await client.ask(LeaseService.leaseGrant, request, { doing });
    this.#leases.add(lease);
    await this.#put(`${keys.members}${member.name}`, member, lease);
    return { lease, askedAtMs };
  }

  async #put(key: string, member: Member, lease: bigint): Promise<void> {
    const value = { key: bytes(key), value: bytes(JSON.stringify(member)), lease };
    const success = [{ request: { $case: "requestPut" as const, value } }];
    const request = { compare: [], success, failure: [] };
    await this.#parts.client.ask(KVService.txn, request, { doing: "write to" });
  }

  async #renewCandidacy(candidacy: Candidacy): Promise<boolean> {
    const askedAtMs = this.#parts.clock.now();
    if (!(await this.#keepAlive(candidacy.lease))) {
      this.#leases.delete(candidacy.lease);
      return false;
    }
    candidacy.askedAtMs = askedAtMs;
    return true;
  }

  /** The new term, or undefined while somebody else leads. */
  async #tryLead(member: Member, lease: bigint): Promise<number | undefined> {
    const { client, keys } = this.#parts;
    const present = await this.#leaderKey();
    // Ours, when the answer to an earlier try was lost.
    if (present !== undefined) {
      return present.lease === lease ? Number(present.createRevision) : undefined;
    }
    const key = bytes(keys.leader);
    const put = { key, value: bytes(JSON.stringify(member)), lease };
    const request = {
      compare: [
        {
          result: Compare_CompareResult.EQUAL,
          target: Compare_CompareTarget.CREATE,
          key,
          targetUnion: { $case: "createRevision" as const, value: 0n },
        },
      ],
      success: [{ request: { $case: "requestPut" as const, value: put } }],
      failure: [],
    };
    const answer = await client.ask(KVService.txn, request, { doing: "lead in" });
    return answer.succeeded ? Number(answer.header?.revision ?? 0n) : undefined;
  }

  async #leaderKey(): Promise<KeyValue | undefined> {
    const { client, keys } = this.#parts;
    const request = { ...now, key: bytes(keys.leader) };
    const { kvs } = await client.ask(KVService.range, request, { doing: "read from" });
    return kvs[0];
  }

  #lead(term: number, { lease, askedAtMs }: Candidacy): Leadership {
    const { clock, leaseMs } = this.#parts;
    return keepLease({
      term,
      clock,
      leaseMs,
      askedAtMs,
      closed: this.#closed.signal,
      renew: () => this.#keepAlive(lease),
      release: () => this.#revoke(lease),
    });
  }

  /** False: the lease has ended. */
  async #keepAlive(lease: bigint): Promise<boolean> {
    const { client, clock } = this.#parts;
    const { call, problemOf } = await client.open<LeaseKeepAliveRequest, LeaseKeepAliveResponse>(
      LeaseService.leaseKeepAlive,
    );
    const answered = new AbortController();
    const late = clock.sleep(KEEP_ALIVE_MS, answered.signal).then(() => {
      call.cancel();
    });
    late.catch(answeredInTime);
    call.on("error", answeredInTime);
    try {
      call.write({ ID: lease });
      for await (const message of call) return (message as LeaseKeepAliveResponse).TTL > 0n;
      throw new MusterError("unreachable", "etcd did not renew the lease");
    } catch (error) {
      throw problemOf(error, "renew a lease in");
    } finally {
      answered.abort();
      call.cancel();
    }
  }

  async #revoke(lease: bigint): Promise<void> {
    this.#leases.delete(lease);
    const doing = "give a lease back to";
    const patienceMs = REVOKE_PATIENCE_MS;
    await this.#parts.client
      .ask(LeaseService.leaseRevoke, { ID: lease }, { doing, patienceMs })
      .catch(unlessGone);
  }
}

/** As one request to a member: see `etcd-client.ts`. */
const KEEP_ALIVE_MS = 1_500;
/** The lease ends by itself soon after. */
const REVOKE_PATIENCE_MS = 2_000;

const memberOf = ({ value }: KeyValue): Member => JSON.parse(value.toString("utf8")) as Member;

function answeredInTime(): void {
  // What became of the call is told by the loop that reads it.
}

function unlessGone(error: unknown): void {
  if (!(error instanceof MusterError && error.code === "not-found")) throw error;
}
