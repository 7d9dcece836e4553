/**
 * One connection to the coordinator's Admin service. Every call has a deadline and every failure leaves here as a
 * MusterError. A first connection that fails is reported at once; a connection that is lost later is dialled again,
 * and the very same request sent again, until the timeout: changes carry a request id, so a repeat takes effect
 * once.
 */
import { MusterError, STANDBY_AGE_NOTE, type ErrorCode } from "@muster/model";
import { AdminService, CoordinatorRole } from "@muster/proto/admin";
import type { OpenConsoleRequest, OpenConsoleResponse } from "@muster/proto/admin";
import { connect, type ClientTrust, type Clock, type Link, type RpcClient } from "@muster/runtime";
import type { CoordinatorAddress } from "./address.ts";
import { unreachable } from "./unreachable.ts";

/** Shorter only burdens a coordinator that starts; longer makes people wait after it is back. */
const RETRY_PAUSE_MS = 250;
/** For each of several addresses: one of a machine that died without a word must not hold up the next. */
const DIAL_TIMEOUT_MS = 3_000;
/** For each step on the way from a standby to the leader. */
const FOLLOW_TIMEOUT_MS = 2_000;

/** The methods of RpcClient decide what a method description is. */
type UnaryMethod<Request, Response> = Parameters<
  typeof RpcClient.prototype.unary<Request, Response>
>[0];
type WatchMethod<Request, Response> = Parameters<
  typeof RpcClient.prototype.watch<Request, Response>
>[0];

/** What is asked, and in which words a failure is told: "show vm web-1". */
export interface Question<Request> {
  readonly doing: string;
  readonly request: Request;
  /** The answer may take this long whatever the timeout. */
  readonly atLeastMs?: number;
}

export interface AdminConnectionParts {
  /** Of one coordinator or several; whichever leads is found from any of them. */
  readonly addresses: readonly [CoordinatorAddress, ...CoordinatorAddress[]];
  /** Needed for TLS only. */
  readonly trust?: ClientTrust;
  /** How long the coordinator may take to answer, or stay away once it was there. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Called when an answer comes from a standby, because no leader could be asked. */
  readonly onStandby?: (answer: StandbyAnswer) => void;
}

export interface StandbyAnswer {
  /** Who answered. */
  readonly address: string;
  /** How old what it says may be. */
  readonly ageMs: number;
}

export class AdminConnection implements AsyncDisposable {
  /** The first one that was given: what people know it by. */
  readonly address: CoordinatorAddress;
  readonly timeoutMs: number;
  readonly #clock: Clock;
  readonly #trust: ClientTrust | undefined;
  readonly #onStandby: (answer: StandbyAnswer) => void;
  /** Those that were given, then those that coordinators told of. */
  #addresses: readonly string[];
  #turn = 0;
  #dialling: Promise<RpcClient> | undefined;
  #wasConnected = false;

  constructor(parts: AdminConnectionParts) {
    [this.address] = parts.addresses;
    this.#addresses = parts.addresses.map(({ shown }) => shown);
    this.#onStandby = parts.onStandby ?? quietly;
    this.timeoutMs = parts.timeoutMs;
    this.#clock = parts.clock;
    this.#trust = parts.trust;
  }

  /** True once a connection stood: from then on a failure says nothing about what the coordinator did. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** Throws what the coordinator refused, or `unreachable` or `timeout` when it did not answer in time. */
  async call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    question: Question<Request>,
  ): Promise<Response> {
    const giveUpAtMs = this.#clock.now() + Math.max(this.timeoutMs, question.atLeastMs ?? 0);
    for (;;) {
      const leftMs = Math.max(1, giveUpAtMs - this.#clock.now());
      let client: RpcClient | undefined;
      try {
        client = await this.#connected(leftMs);
        const { answer, ageMs } = await ask(client, method, question.request, leftMs);
        if (ageMs === undefined) return answer;
        // A standby's: the leader knows better, if there is one that can be reached.
        const isLate = this.#clock.now() >= giveUpAtMs;
        if (!isLate && (await this.#follow(client)) === "followed") continue;
        this.#onStandby({ address: client.address, ageMs });
        return answer;
      } catch (error) {
        if (isStandbys(error) && client !== undefined) {
          await this.#seekLeader(client, error, giveUpAtMs);
          continue;
        }
        if (!isBroken(error)) throw withAdvice(error, question.doing);
        this.#drop(client);
        const isLate = this.#clock.now() + RETRY_PAUSE_MS >= giveUpAtMs;
        if (isLate || !this.#wasConnected) throw this.explain(error);
        await this.#clock.sleep(RETRY_PAUSE_MS);
      }
    }
  }

  /**
   * Messages of a server stream until it ends or the signal aborts. Throws `StreamBroken` when the connection was
   * lost and trying again may help; anything else the coordinator meant.
   */
  async *stream<Request, Response>(
    method: WatchMethod<Request, Response>,
    question: Question<Request>,
    signal: AbortSignal,
  ): AsyncGenerator<Response, void> {
    let client: RpcClient | undefined;
    try {
      client = await this.#connected(this.timeoutMs);
      yield* client.watch(method, question.request, { signal });
    } catch (error) {
      if (isStandbys(error) && client !== undefined) {
        await this.#seekLeader(client, error, this.#clock.now() + this.timeoutMs);
        throw new StreamBroken(error.message);
      }
      if (!isBroken(error)) throw withAdvice(error, question.doing);
      this.#drop(client);
      if (!this.#wasConnected) throw this.explain(error);
      throw new StreamBroken(wordsOf(error));
    }
  }

  /** Closes when the signal aborts. Errors of `incoming` go through `explain`. */
  async openConsole(signal: AbortSignal): Promise<Link<OpenConsoleRequest, OpenConsoleResponse>> {
    try {
      // Finds the leader, should this be a standby.
      await this.#follow(await this.#connected(this.timeoutMs));
      const client = await this.#connected(this.timeoutMs);
      return client.open(AdminService.openConsole, { signal });
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Asks a particular coordinator once. Undefined: it did not answer, or we have no identity to ask it with. */
  async askAt<Request, Response>(
    addresses: readonly string[],
    method: UnaryMethod<Request, Response>,
    request: Request,
  ): Promise<Response | undefined> {
    if (this.#trust === undefined || addresses.length === 0) return undefined;
    const options = { timeoutMs: FOLLOW_TIMEOUT_MS };
    const client = await connect({ addresses, trust: this.#trust, ...options }).catch(unanswered);
    if (client === undefined) return undefined;
    using connected = client;
    return await connected.unary(method, request, options).catch(unanswered);
  }

  /** A lost connection as people should hear of it; everything else as it is. */
  explain(error: unknown): unknown {
    return isBroken(error) ? unreachable(this.address, wordsOf(error)) : error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dialling = this.#dialling;
    this.#dialling = undefined;
    (await dialling)?.close();
  }

  async #connected(timeoutMs: number): Promise<RpcClient> {
    this.#dialling ??= this.#dial(timeoutMs);
    return await this.#dialling;
  }

  async #dial(timeoutMs: number): Promise<RpcClient> {
    const trust = this.#trust === undefined ? {} : { trust: this.#trust };
    try {
      const first = this.#turn % this.#addresses.length;
      const addresses = [...this.#addresses.slice(first), ...this.#addresses.slice(0, first)];
      const eachMs = addresses.length === 1 ? timeoutMs : Math.min(timeoutMs, DIAL_TIMEOUT_MS);
      const client = await connect({ addresses, timeoutMs: eachMs, ...trust });
      this.#wasConnected = true;
      return client;
    } catch (error) {
      this.#dialling = undefined;
      if (!(error instanceof MusterError)) throw unusable(error);
      if (error.code !== "unreachable") throw error;
      const reason = error.reasons.join("; ").replace(`${this.address.shown}: `, "");
      throw new MusterError("unreachable", error.message, { cause: new Error(reason) });
    }
  }

  /** After a standby's refusal: resolves when it makes sense to ask again, throws the refusal when it does not. */
  async #seekLeader(client: RpcClient, refusal: MusterError, giveUpAtMs: number): Promise<void> {
    const found = await this.#follow(client);
    if (found === "followed") return;
    const isLate = this.#clock.now() + RETRY_PAUSE_MS >= giveUpAtMs;
    if (isLate || found === "out of reach") throw refusal;
    this.#drop(client);
    await this.#clock.sleep(RETRY_PAUSE_MS);
  }

  /** Asks a standby who leads, and connects there. */
  async #follow(client: RpcClient): Promise<"followed" | "nobody leads" | "out of reach"> {
    const options = { timeoutMs: FOLLOW_TIMEOUT_MS };
    const now = await client
      .unary(AdminService.listCoordinators, {}, options)
      .catch((error: unknown) => (isBroken(error) ? "lost" : "cannot tell"));
    if (now === "cannot tell") return "out of reach";
    if (now === "lost") return "nobody leads";
    const leader = now.coordinators.find(({ role }) => role === CoordinatorRole.LEADER);
    if (leader === undefined) return "nobody leads";
    // It leads by now, or one beside it that has no other name.
    if (leader.name === now.answeredBy) return "followed";
    if (this.#trust === undefined || leader.addresses.length === 0) return "out of reach";
    const told = now.coordinators.flatMap(({ addresses }) => addresses);
    this.#addresses = [...new Set([...this.#addresses, ...told])];
    try {
      const { addresses } = leader;
      const next = await connect({ addresses, trust: this.#trust, ...options });
      this.#dialling = Promise.resolve(next);
      client.close();
      return "followed";
    } catch {
      // The leader may just be dying: the next answer tells who follows it.
      return "nobody leads";
    }
  }

  /** A new connection is dialled at once, where grpc-js would wait longer every time. */
  #drop(client: RpcClient | undefined): void {
    this.#dialling = undefined;
    this.#turn += 1;
    client?.close();
  }
}

async function ask<Request, Response>(
  client: RpcClient,
  method: UnaryMethod<Request, Response>,
  request: Request,
  timeoutMs: number,
): Promise<{ readonly answer: Response; readonly ageMs?: number }> {
  let age = "";
  const onNote = (name: string, value: string): void => {
    if (name === STANDBY_AGE_NOTE) age = value;
  };
  const answer = await client.unary(method, request, { timeoutMs, onNote });
  return age === "" ? { answer } : { answer, ageMs: Number(age) };
}

const isStandbys = (error: unknown): error is MusterError =>
  error instanceof MusterError && error.code === "not-leader";

function quietly(): void {
  // Nobody wants to know who answers.
}

function unanswered(): undefined {
  return undefined;
}

/** The connection under a stream was lost; nothing is known to have failed. */
export class StreamBroken extends Error {
  override readonly name = "StreamBroken";
}

/** `cancelled`: not by us, so by a coordinator that is going down. */
const brokenCodes: ReadonlySet<ErrorCode> = new Set(["unreachable", "cancelled"]);

/** What gRPC says by itself has neither hint nor reasons; with them it is the coordinator's own word. */
const isBroken = (error: unknown): error is MusterError =>
  error instanceof MusterError &&
  brokenCodes.has(error.code) &&
  error.hint === undefined &&
  error.reasons.length === 0;

const wordsOf = (error: MusterError): string =>
  error.cause instanceof Error ? error.cause.message : error.message;

/** The only other thing that can be wrong before anything is sent: node:tls did not take the PEM files. */
const unusable = (cause: unknown): MusterError =>
  new MusterError("unauthenticated", "the identity's PEM files cannot be used", { cause });

const advice: Readonly<Partial<Record<ErrorCode, string>>> = {
  timeout: "try again with a longer --timeout",
  "version-mismatch": "the coordinator is of another version: compare `muster version`",
  "limit-exceeded": "ask for less at once",
};

/** Failures that gRPC reports by itself come without a hint, and name a method rather than what was asked. */
function withAdvice(error: unknown, doing: string): unknown {
  if (!(error instanceof MusterError) || error.hint !== undefined) return error;
  const hint = advice[error.code];
  if (hint === undefined) return error;
  return new MusterError(error.code, `cannot ${doing}: ${error.message}`, {
    cause: error.cause,
    reasons: error.reasons,
    hint,
  });
}
