/** Holds the conversation with the coordinator: dials, speaks, and dials again. */
import {
  detailOf,
  MusterError,
  PROTOCOL_COMPACT,
  PROTOCOL_VERSIONS,
  type AgentMessage,
  type ClusterId,
  type CoordinatorMessage,
  type LeaseRequest,
} from "@muster/model";
import type { Clock, Link, Log, Random } from "@muster/runtime";
import type { Dialer } from "./dialer.ts";
import { Heartbeats } from "./heartbeats.ts";

type Welcome = Extract<CoordinatorMessage, { kind: "welcome" }>;

/** What the session does not deal with itself. */
export type CoordinatorOrder = Exclude<
  CoordinatorMessage,
  { kind: "welcome" | "heartbeat-answer" }
>;

export interface SessionHandlers {
  /** The coordinator accepted us; say everything. */
  opened(welcome: Welcome, send: (message: AgentMessage) => void): Promise<void>;
  received(message: CoordinatorOrder): Promise<void>;
  closed(): void;
  isLibvirtAlive(): Promise<boolean>;
  reportSequence(): bigint;
  /** What to ask with the next heartbeat; undefined: nothing here is guarded. */
  leaseRequest(leaseMs: number): LeaseRequest | undefined;
}

export interface SessionParts {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly hello: Omit<Extract<AgentMessage, { kind: "hello" }>, "kind" | "protocolVersions">;
  readonly clusterId: ClusterId;
  readonly handlers: SessionHandlers;
}

export type SessionState =
  | { readonly name: "disconnected"; readonly attempt: number; readonly lastError: string }
  | { readonly name: "dialling"; readonly attempt: number }
  | { readonly name: "live"; readonly sinceMs: number };

/** Heartbeats without an answer before a session counts as broken: one slow garbage collection is not a dead coordinator. */
const ANSWERS_MISSED_MAX = 3;

/** First and longest pause between two dials. Longer, and a restarted coordinator stays blind; shorter, and a dead one is hammered. */
const PAUSE_MIN_MS = 200;
const PAUSE_MAX_MS = 3_000;

export class Session {
  readonly #parts: SessionParts;
  readonly #stop = new AbortController();
  #state: SessionState = { name: "disconnected", attempt: 0, lastError: "" };
  #running: Promise<void> | undefined;
  #opened = 0;
  #leaseMs = 0;
  #link: Link<AgentMessage, CoordinatorMessage> | undefined;
  #heartbeats = new Heartbeats();
  /** As the last coordinator said. */
  #spreadMs = 0;
  /** An order is being taken in, which may wait for a slow disk; answers behind it are not read yet. */
  #isBusy = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Sessions opened since the agent started. */
  get opened(): number {
    return this.#opened;
  }

  get isLive(): boolean {
    return this.#state.name === "live";
  }

  /** Of the session that is or was live last. */
  get heartbeats(): Pick<Heartbeats, "lastAnswer" | "unanswered"> {
    return this.#heartbeats;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new MusterError("interrupted", "the agent stops"));
    this.#link?.close();
    await this.#running;
  }

  /** Does nothing while the link is down: reports and results are made again when it is up. */
  send(message: AgentMessage): void {
    if (this.isLive) this.#link?.send(message);
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const signal = this.#stop.signal;
    let attempt = 0;
    while (!signal.aborted) {
      attempt += 1;
      try {
        await this.#once(attempt);
        log.info({}, "session ended by the coordinator");
        if (this.#hasLasted()) attempt = 0;
        this.#state = { name: "disconnected", attempt, lastError: "" };
      } catch (error) {
        if (signal.aborted) return;
        if (this.#hasLasted()) attempt = 0;
        const { code, message, cause } = detailOf(error);
        log.warn({ attempt, code, why: message, cause }, "no session with the coordinator");
        this.#state = { name: "disconnected", attempt, lastError: message };
      }
      await clock.sleep(this.#pauseMs(attempt), signal).catch(ignoreAbort(signal));
    }
  }

  /** With jitter: a thousand agents must not come back in the same instant. */
  #pauseMs(attempt: number): number {
    const { random } = this.#parts;
    if (attempt === 0)
      return PAUSE_MIN_MS / 2 + random.fraction() * Math.max(PAUSE_MIN_MS, this.#spreadMs);
    const max = Math.max(PAUSE_MAX_MS, this.#spreadMs);
    const longest = Math.min(max, PAUSE_MIN_MS * 2 ** Math.min(attempt, 10));
    return longest * (0.5 + random.fraction() / 2);
  }

  /**
   * A session that had been live for a while makes the next dial the first of a new series. One that was ended at
   * once does not: two agents that took one host's identity would drive each other out without a pause.
   */
  #hasLasted(): boolean {
    const { clock } = this.#parts;
    return this.#state.name === "live" && clock.now() - this.#state.sinceMs >= PAUSE_MAX_MS;
  }

  async #once(attempt: number): Promise<void> {
    const { dialer, handlers } = this.#parts;
    this.#state = { name: "dialling", attempt };
    this.#isBusy = false;
    const link = await dialer.dial(this.#stop.signal);
    this.#link = link;
    const ended = new AbortController();
    let beating: Promise<void> = Promise.resolve();
    try {
      link.send({ kind: "hello", protocolVersions: PROTOCOL_VERSIONS, ...this.#parts.hello });
      for await (const message of link.incoming) {
        if (message.kind === "welcome") {
          this.#accept(message);
          beating = this.#beat(message, link, ended.signal).catch((error: unknown) => {
            link.close(error instanceof Error ? error : new Error(String(error)));
          });
          await handlers.opened(message, (report) => {
            link.send(report);
          });
        } else if (message.kind === "heartbeat-answer") {
          this.#heartbeats.answered(message.number, this.#parts.clock.now());
        } else if (this.isLive) {
          this.#isBusy = true;
          await handlers.received(message);
          this.#isBusy = false;
        } else {
          const problem = `the coordinator sent ${message.kind} before its welcome`;
          throw new MusterError("invalid", problem);
        }
      }
    } finally {
      ended.abort();
      link.close();
      this.#link = undefined;
      handlers.closed();
      await beating;
    }
  }

  #accept(welcome: Welcome): void {
    const { clusterId, log, clock } = this.#parts;
    if (this.isLive) throw new MusterError("invalid", "the coordinator sent its welcome twice");
    if (welcome.clusterId !== clusterId) {
      const problem = `this is cluster ${welcome.clusterId}, the host belongs to ${clusterId}`;
      throw new MusterError("forbidden", problem);
    }
    this.#state = { name: "live", sinceMs: clock.now() };
    this.#spreadMs = welcome.reconnectSpreadMs;
    this.#opened += 1;
    log.info({ clusterId }, "session opened");
  }

  async #beat(
    { heartbeatIntervalMs, protocolVersion, leaseMs }: Welcome,
    link: Link<AgentMessage, CoordinatorMessage>,
    ended: AbortSignal,
  ): Promise<void> {
    const { clock, handlers } = this.#parts;
    const isAnswered = protocolVersion >= PROTOCOL_COMPACT;
    this.#heartbeats = new Heartbeats();
    while (!ended.aborted) {
      const libvirtAlive = await handlers.isLibvirtAlive();
      if (ended.aborted) return;
      this.#leaseMs = leaseMs;
      link.send(this.#heartbeat(libvirtAlive, isAnswered ? this.#heartbeats.sent(clock.now()) : 0));
      await clock.sleep(heartbeatIntervalMs, ended).catch(ignoreAbort(ended));
      const { unanswered } = this.#heartbeats;
      if (unanswered < ANSWERS_MISSED_MAX || this.#isBusy || ended.aborted) continue;
      const count = String(unanswered);
      throw new MusterError("timeout", `the coordinator has not answered ${count} heartbeats`);
    }
  }

  #heartbeat(libvirtAlive: boolean, number: number): AgentMessage {
    const { handlers } = this.#parts;
    const lease = handlers.leaseRequest(this.#leaseMs);
    const sequence = handlers.reportSequence();
    const heartbeat = { kind: "heartbeat", sequence, libvirtAlive, number } as const;
    return lease === undefined ? heartbeat : { ...heartbeat, lease };
  }

  /** A heartbeat out of turn, because what the lease is asked for has changed. */
  beatNow(libvirtAlive: boolean): void {
    this.send(this.#heartbeat(libvirtAlive, 0));
  }
}

const ignoreAbort =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };
