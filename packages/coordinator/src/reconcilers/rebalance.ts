/**
 * Looks at how even the hosts are, and does about it what the policy allows: report, propose, run what was approved,
 * or run by itself. It never starts while other motion runs, and spends no more moves a day than the policy has.
 */
import { isMusterError, type PlanRecord, type RebalancePolicy } from "@muster/model";
import type { Clock, Log, Reconciler } from "@muster/runtime";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { Observations } from "../observations/observations.ts";
import { acceptPlanRun } from "../operations/accept-plan-run.ts";
import type { OperationRunner } from "../operations/operation-runner.ts";
import { motionUnderWay, movesLastDay, withHistory } from "../planning/motion-history.ts";
import type { Snapshots } from "../planning/snapshot-keeper.ts";
import { keepPlans, openPlans } from "../plans/keep-plan.ts";
import type { PlanDraft } from "../plans/plan-draft.ts";
import type { Questions } from "../plans/questions.ts";
import { REBALANCER, type RebalanceStatus } from "../plans/rebalance-status.ts";
import { judgeLook, nextForOpen } from "./plan-rebalance.ts";

export interface RebalanceParts {
  readonly ledger: Ledger;
  readonly observations: Observations;
  readonly snapshots: Snapshots;
  readonly questions: Questions;
  readonly runner: OperationRunner;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly migrationTls: boolean;
}

/** How soon an approval or a change of policy is noticed; looks are made by the policy's period. */
const PERIOD_MS = 15_000;
const WITHIN_MS = 10_000;
const NEVER: RebalanceStatus = {
  lastResult: "",
  lookedAt: "",
  movesPossible: 0,
  heldPasses: 0,
  movesLastDay: 0,
};

export class Rebalancer implements Reconciler {
  readonly name = "rebalance";
  readonly periodMs = PERIOD_MS;
  readonly #parts: RebalanceParts;
  readonly #stop: AbortSignal;
  /** Held looks are not kept over a restart: a leader that is new looks for itself. */
  #status = NEVER;
  #lookedAtMs = -Infinity;

  constructor(parts: RebalanceParts, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = stop;
  }

  status(): RebalanceStatus {
    return this.#status;
  }

  async reconcile(): Promise<void> {
    const policy = this.#parts.ledger.view.policy.rebalance;
    if (policy.automation === "off") {
      this.#status = NEVER;
      this.#lookedAtMs = -Infinity;
      return;
    }
    const open = this.#openPlan();
    const next = nextForOpen(policy, open);
    if (next === "run" && open !== undefined) return this.#run(open);
    if (next === "wait" && open !== undefined) {
      this.#say(`${open.id} is ${open.state}`);
      return;
    }
    if (this.#parts.clock.now() - this.#lookedAtMs < policy.periodMs) return;
    await this.#look(policy);
  }

  #openPlan(): PlanRecord | undefined {
    const { view } = this.#parts.ledger;
    const running = [...view.plans.values()].filter(({ state }) => state === "running");
    return [...running, ...openPlans(view)].find(
      ({ kind, createdBy }) => kind === "rebalance" && createdBy === REBALANCER,
    );
  }

  async #look(policy: RebalancePolicy): Promise<void> {
    const { ledger, snapshots, questions, clock } = this.#parts;
    this.#lookedAtMs = clock.now();
    const wall = clock.wall();
    const [motion] = motionUnderWay(ledger.view);
    if (motion !== undefined) {
      this.#say(`other motion runs: ${motion.id} (${motion.type} ${motion.subject})`, wall);
      return;
    }
    const made = movesLastDay(ledger.view, wall.getTime());
    this.#status = { ...this.#status, movesLastDay: made };
    const left = policy.movesPerDayMax - made;
    if (left <= 0) {
      const spent = `the ${String(policy.movesPerDayMax)} moves of the day are used up`;
      this.#status = { ...this.#status, heldPasses: 0 };
      this.#say(spent, wall);
      return;
    }
    const snapshot = withHistory(snapshots.take(), ledger.view, wall.getTime());
    const question = {
      kind: "rebalance",
      movesMax: Math.min(left, policy.movesPerPlanMax),
      restraint: {
        startAbove: policy.startAbove,
        cooldownSeconds: policy.cooldownMs / 1_000,
        movesPerDayMax: policy.movesPerDayMax,
      },
    } as const;
    const work = { snapshot: { kind: "live", snapshot }, question, withinMs: WITHIN_MS } as const;
    const answered = await questions.ask(work, this.#stop);
    await this.#act(policy, { draft: answered.drafts[0], hash: answered.snapshotHash, wall });
  }

  async #act(
    policy: RebalancePolicy,
    look: { readonly draft: PlanDraft | undefined; readonly hash: string; readonly wall: Date },
  ): Promise<void> {
    const { draft, hash, wall } = look;
    const verdict = judgeLook(policy, { draft, heldBefore: this.#status.heldPasses });
    const moves = draft?.moves.length ?? 0;
    this.#status = {
      lastResult: verdict.found,
      lookedAt: wall.toISOString(),
      ...(draft?.scoreBefore === undefined ? {} : { score: draft.scoreBefore }),
      ...(moves === 0 || draft?.scoreAfter === undefined
        ? {}
        : { scorePossible: draft.scoreAfter }),
      movesPossible: moves,
      heldPasses: verdict.held,
      movesLastDay: this.#status.movesLastDay,
    };
    if (verdict.act === "nothing" || draft === undefined) return;
    const plan = await this.#keep(draft, { hash, policy, wallMs: wall.getTime() });
    if (plan === undefined) return;
    this.#tell(plan, "plan-proposed", `proposed: ${verdict.found}`);
    if (verdict.act === "run") await this.#run(plan);
  }

  async #keep(
    draft: PlanDraft,
    about: { readonly hash: string; readonly policy: RebalancePolicy; readonly wallMs: number },
  ): Promise<PlanRecord | undefined> {
    const { hash, policy, wallMs } = about;
    // A person needs time to read it; it is checked again before it runs.
    const lifeMs = Math.max(3_600_000, 3 * policy.periodMs);
    return this.#parts.ledger.transact((view) => {
      const kept = keepPlans(view, [draft], { hash, by: REBALANCER, wallMs, lifeMs });
      return { changes: kept.changes, result: kept.plans[0] };
    });
  }

  async #run(plan: PlanRecord): Promise<void> {
    const { runner, observations, clock, migrationTls } = this.#parts;
    try {
      await runner.submit({ requestId: `${REBALANCER}/${plan.id}`, type: "plan-run" }, (view) => {
        const now = view.plans.get(plan.id) ?? plan;
        return acceptPlanRun(view, {
          plan: now,
          operator: now.approvedBy ?? REBALANCER,
          reason: "the hosts are uneven",
          requestId: `${REBALANCER}/${plan.id}`,
          wallMs: clock.wall().getTime(),
          parameters: { replan: false, copyStorage: false, tls: migrationTls },
          observed: (hostId) => observations.get(hostId),
        });
      });
      this.#status = { ...this.#status, heldPasses: 0 };
      this.#say(`${plan.id} runs`);
    } catch (error) {
      if (!isMusterError(error)) throw error;
      const reasons = error.reasons.slice(0, 3).join("; ");
      this.#say(
        `${plan.id} was not started: ${error.message}${reasons === "" ? "" : `: ${reasons}`}`,
      );
      // What the cluster has outgrown is of no use; what only has to wait stays.
      if (error.code === "wrong-state") await this.#drop(plan, error.message);
    }
  }

  async #drop(plan: PlanRecord, why: string): Promise<void> {
    const at = this.#parts.clock.wall().toISOString();
    await this.#parts.ledger.transact((view) => {
      const now = view.plans.get(plan.id);
      if (now?.state !== "proposed" && now?.state !== "approved") {
        return { changes: [], result: undefined };
      }
      const ended = { ...now, state: "superseded" as const, endedAt: at };
      return {
        changes: [put("plan", { ...ended, outcome: [...now.outcome, why] })],
        result: undefined,
      };
    });
    this.#status = { ...this.#status, heldPasses: 0 };
  }

  #say(lastResult: string, lookedAt?: Date): void {
    const at = lookedAt === undefined ? {} : { lookedAt: lookedAt.toISOString() };
    this.#status = { ...this.#status, lastResult, ...at };
  }

  #tell(plan: PlanRecord, kind: string, message: string): void {
    const { events, log } = this.#parts;
    events.record({ kind, subject: `plan/${plan.id}`, message });
    log.info({ planId: plan.id, why: message }, "rebalance plan proposed");
  }
}
