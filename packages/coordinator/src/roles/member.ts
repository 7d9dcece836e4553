/**
 * One of several coordinators: a standby with a warm copy until it leads, then the leader until it no longer may. It
 * leads at most once in its life; afterwards the process begins anew, so that nothing of an old term lives on.
 */
import {
  detailOf,
  MusterError,
  parseClusterId,
  type AgentMessage,
  type CoordinatorMessage,
  type HostId,
} from "@muster/model";
import type { Link } from "@muster/runtime";
import { Coordinator, type CoordinatorParts } from "../coordinator.ts";
import { Follower } from "../ledger/follow.ts";
import { Ledger } from "../ledger/ledger.ts";
import type { Leader, Leadership, Member } from "../store/election.ts";
import { standbyRefusal } from "./standby-refusal.ts";

export interface MemberParts extends CoordinatorParts {
  readonly self: Member;
  /** What only a leader may make, once in a cluster's life. Done before anybody is served. */
  readonly beforeLeading?: (ledger: Ledger) => Promise<void>;
}

export type Role = "standby" | "leader" | "over";

/** How often a standby asks who leads, to tell those who ask it. */
const LEADER_PERIOD_MS = 1_000;
/** A copy is seldom more than a second behind. */
const CATCH_UP_MS = 10_000;
/** Between two tries to campaign in a store that does not answer. */
const RETRY_MS = 1_000;

export class CoordinatorMember {
  readonly coordinator: Coordinator;
  readonly #parts: MemberParts;
  readonly #follower: Follower;
  readonly #stop = new AbortController();
  readonly #changed = new Set<() => void>();
  #role: Role = "standby";
  #leader: Leader | undefined;
  #running: Promise<Error> | undefined;

  private constructor(parts: MemberParts, ledger: Ledger) {
    this.#parts = parts;
    const { store, clock, log } = parts;
    this.coordinator = Coordinator.over(ledger, parts);
    this.#follower = new Follower({ store, ledger, clock, log });
    ledger.refuseWith(() => standbyRefusal(parts.self, this.#role, this.#leader));
    ledger.onChange(() => {
      this.#tell();
    });
  }

  /** Reads everything once. The store must answer. */
  static async open(parts: MemberParts): Promise<CoordinatorMember> {
    return new CoordinatorMember(parts, await Ledger.copy(parts.store));
  }

  get role(): Role {
    return this.#role === "leader" && !this.coordinator.ledger.isLeading ? "over" : this.#role;
  }

  get self(): Member {
    return this.#parts.self;
  }

  /** Who leads, as far as this one knows. */
  get leader(): Leader | undefined {
    return this.#leader;
  }

  /** How old what this one shows may be. 0: it leads. */
  get ageMs(): number {
    return this.role === "leader" ? 0 : this.#follower.ageMs;
  }

  /** Campaigns and leads. Resolves with the reason when it no longer leads: begin anew. */
  run(): Promise<Error> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Resolves once this holds, looking whenever something changed. */
  async until(predicate: () => boolean, signal?: AbortSignal): Promise<void> {
    while (!predicate()) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const changed = (): void => {
          this.#changed.delete(changed);
          resolve();
        };
        this.#changed.add(changed);
        signal?.addEventListener(
          "abort",
          () => {
            this.#changed.delete(changed);
            reject(signal.reason as Error);
          },
          { once: true },
        );
      });
    }
  }

  /** Serves one agent that was authenticated as this host. Throws `not-leader` on a standby. */
  async serveAgent(hostId: HostId, link: Link<CoordinatorMessage, AgentMessage>): Promise<void> {
    this.coordinator.ledger.assertLeading();
    return this.coordinator.serveAgent(hostId, link);
  }

  /** Lets another lead at once; this one begins anew. */
  async resign(reason: Error): Promise<void> {
    await this.coordinator.ledger.leadership?.resign(reason);
  }

  /** Lets another lead at once. VMs run on. */
  async stop(): Promise<void> {
    const reason = new MusterError("interrupted", "the coordinator stops");
    this.#stop.abort(reason);
    if (this.#role === "leader") await this.coordinator.stop();
    await this.#follower.stop();
    await this.coordinator.ledger.leadership?.resign(reason);
    await this.#running;
  }

  async #run(): Promise<Error> {
    const { log, self } = this.#parts;
    this.#follower.start();
    const asking = this.#askWhoLeads();
    try {
      const leadership = await this.#campaign();
      await this.#lead(leadership);
      await ended(leadership);
      const { message, code } = detailOf(leadership.lost.reason);
      log.warn({ name: self.name, term: leadership.term, code, why: message }, "leading no longer");
      return leadership.lost.reason as Error;
    } catch (error) {
      return error as Error;
    } finally {
      const isAsked = this.#stop.signal.aborted;
      this.#role = "over";
      this.#tell();
      this.#stop.abort(new MusterError("interrupted", "the coordinator no longer leads"));
      // Asked to stop, `stop` does it.
      if (!isAsked) await this.coordinator.stop();
      await asking;
    }
  }

  async #campaign(): Promise<Leadership> {
    const { store, self, clock, log } = this.#parts;
    const signal = this.#stop.signal;
    for (;;) {
      try {
        return await store.campaign(self, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        const { code, message, cause } = detailOf(error);
        log.warn({ code, why: message, cause }, "cannot campaign");
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  async #lead(leadership: Leadership): Promise<void> {
    const { random, log, self, beforeLeading } = this.#parts;
    const { ledger } = this.coordinator;
    try {
      const patience = AbortSignal.any([leadership.lost, this.#after(CATCH_UP_MS)]);
      await this.#follower.caughtUp(patience);
      await this.#follower.stop();
      await ledger.lead(leadership, () => parseClusterId(random.uuid()));
      await beforeLeading?.(ledger);
    } catch (error) {
      await leadership.resign(error as Error);
      throw error;
    }
    this.#stop.signal.throwIfAborted();
    this.#leader = { term: leadership.term, member: self };
    this.#role = "leader";
    this.coordinator.start();
    log.info({ name: self.name, term: leadership.term }, "leading");
    this.#tell();
  }

  /** One that cannot catch up must not keep others from leading. */
  #after(durationMs: number): AbortSignal {
    const late = new AbortController();
    const { clock } = this.#parts;
    const waiting = clock.sleep(durationMs, this.#stop.signal).then(() => {
      late.abort(
        new MusterError("timeout", "the copy of the store could not be brought up to date"),
      );
    });
    waiting.catch(notAnswered);
    return late.signal;
  }

  async #askWhoLeads(): Promise<void> {
    const { store, clock } = this.#parts;
    const signal = this.#stop.signal;
    while (!signal.aborted && this.#role === "standby") {
      const found = await store.leader().catch(notAnswered);
      if (this.#role !== "standby") return;
      if (found !== "unknown") this.#leader = found;
      this.#tell();
      await clock.sleep(LEADER_PERIOD_MS, signal).catch(unlessAborted(signal));
    }
  }

  #tell(): void {
    for (const changed of [...this.#changed]) changed();
  }
}

const notAnswered = (): "unknown" => "unknown";

async function ended({ lost }: Leadership): Promise<void> {
  if (lost.aborted) return;
  await new Promise<void>((resolve) => {
    lost.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

const unlessAborted =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };
