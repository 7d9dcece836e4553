/**
 * Answers a question over a snapshot. Pure: no clock but the share of time that is used up. Every answer has the
 * planner's own data, and sections for people.
 */
import { assertNever } from "@muster/model";
import {
  applyChanges,
  capacity,
  judgeMoves,
  place,
  planConsolidation,
  planDrain,
  planRebalance,
  planRecovery,
  planReturnHome,
  planRolling,
  renderAnswer,
  renderWouldFit,
  whatWouldFit,
  type CapacityAnswer,
  type Snapshot,
} from "@muster/planner";
import { answerWhatIf } from "./answer-what-if.ts";
import { hostIds } from "./find-in-snapshot.ts";
import type { PlanQuestion } from "./plan-question.ts";
import { chained, draftOf } from "./plan-draft.ts";
import {
  hostNames,
  motionSection,
  reportStuck,
  section,
  type PlanReport,
  type PlanSection,
} from "./plan-report.ts";
import { describeShape, nameWouldFit } from "./plan-wording.ts";

/** From 0 to 1; at 1 the best answer so far is wanted. */
export type ElapsedShare = () => number;

type Ask<Kind extends PlanQuestion["kind"]> = Extract<PlanQuestion, { kind: Kind }>;

export function answerQuestion(
  snapshot: Snapshot,
  question: PlanQuestion,
  elapsedShare: ElapsedShare,
): PlanReport {
  switch (question.kind) {
    case "place":
      return answerPlace(snapshot, question);
    case "drain": {
      const hosts = hostIds(snapshot, question.hosts);
      return keepable(snapshot, planDrain(snapshot, hosts), { kind: "drain", hostIds: hosts });
    }
    case "judge":
      return {
        sections: [],
        answer: judgeMoves(snapshot, question.moves),
        outOfTime: false,
      };
    case "recover":
      return motion(snapshot, planRecovery(snapshot, hostIds(snapshot, question.hosts)), {
        isRestart: true,
      });
    case "return-home": {
      const homes = hostIds(snapshot, question.hosts);
      const plan = planReturnHome(snapshot, homes.length === 0 ? {} : { homes });
      return keepable(snapshot, plan, { kind: "return-home", hostIds: homes });
    }
    case "rebalance":
      return answerRebalance(snapshot, question, elapsedShare);
    case "consolidate":
      return answerConsolidate(snapshot, question, elapsedShare);
    case "rolling":
      return answerRolling(snapshot, question, elapsedShare);
    case "capacity":
      return answerCapacity(snapshot, question, elapsedShare);
    case "what-if":
      return answerWhatIf(snapshot, question, elapsedShare);
    default:
      return assertNever(question);
  }
}

const motion = (
  snapshot: Snapshot,
  plan: Parameters<typeof motionSection>[1],
  fields: Partial<PlanSection> = {},
): PlanReport => ({
  sections: [
    motionSection(snapshot, plan, {
      ...fields,
      lines: plan.moves.length === 0 ? ["nothing moves"] : [],
    }),
  ],
  answer: plan,
  outOfTime: false,
});

const keepable = (
  snapshot: Snapshot,
  plan: Parameters<typeof motionSection>[1],
  about: Parameters<typeof draftOf>[2],
): PlanReport => ({ ...motion(snapshot, plan), drafts: [draftOf(snapshot, plan, about)] });

function answerPlace(snapshot: Snapshot, { vm }: Ask<"place">): PlanReport {
  const answer = place(snapshot, { vm });
  const lines = renderAnswer(answer, { all: true });
  if (answer.ok) return { sections: [section({ lines })], answer, outOfTime: false };
  const wouldFit = whatWouldFit(snapshot, { vm });
  return {
    sections: [
      section({ lines }),
      section({
        title: "what would make it fit",
        lines: renderWouldFit(nameWouldFit(snapshot, wouldFit)),
      }),
    ],
    answer: { ...answer, wouldFit },
    outOfTime: false,
  };
}

function answerRebalance(
  snapshot: Snapshot,
  { movesMax, seed, restraint }: Ask<"rebalance">,
  elapsedShare: ElapsedShare,
): PlanReport {
  const answer = planRebalance(snapshot, {
    elapsedShare,
    ...(movesMax === undefined ? {} : { movesMax }),
    ...(seed === undefined ? {} : { seed }),
    ...(restraint === undefined ? {} : { restraint }),
  });
  const outOfTime = elapsedShare() >= 1;
  if (!answer.ok) {
    const moving = new Set(answer.vmIds);
    const names = snapshot.vms.filter(({ id }) => moving.has(id)).map(({ name }) => name);
    const lines = [`other motion must end first: ${names.join(", ")}`];
    return { sections: [section({ lines })], answer, outOfTime };
  }
  const { scoreBefore, scoreAfter, whyEmpty } = answer;
  const lines = [
    whyEmpty === null
      ? `score ${scoreBefore.toFixed(4)} to ${scoreAfter.toFixed(4)} (lower is better)`
      : `nothing moves: ${whyEmptyWords[whyEmpty]} (score ${scoreBefore.toFixed(4)})`,
  ];
  const scores = { before: scoreBefore, after: scoreAfter };
  const drafts = [draftOf(snapshot, answer, { kind: "rebalance", hostIds: [], scores })];
  return { sections: [motionSection(snapshot, answer, { lines })], answer, outOfTime, drafts };
}

const whyEmptyWords = {
  balanced: "no better arrangement was found",
  "below-start": "the hosts are even enough",
  "gain-too-small": "the gain is not worth the moves",
  "budget-spent": "the moves of the day are used up",
} as const;

function answerConsolidate(
  snapshot: Snapshot,
  { movesMax }: Ask<"consolidate">,
  elapsedShare: ElapsedShare,
): PlanReport {
  const limit = movesMax === undefined ? {} : { movesMax };
  const answer = planConsolidation(snapshot, { ...limit, elapsedShare });
  const nameOf = hostNames(snapshot);
  const empty = answer.alreadyEmpty.map(nameOf);
  const emptied = answer.emptied.map(({ hostId }) => nameOf(hostId));
  const lines = [
    emptied.length === 0 ? "no host can be emptied" : `can be emptied: ${emptied.join(", ")}`,
    ...(empty.length === 0 ? [] : [`empty already: ${empty.join(", ")}`]),
  ];
  const each = answer.emptied.map(({ hostId, plan }) =>
    motionSection(snapshot, plan, { title: nameOf(hostId) }),
  );
  const whole = chained(
    answer.emptied.map(({ hostId, plan }) =>
      draftOf(snapshot, plan, { kind: "consolidate", hostIds: [hostId] }),
    ),
  );
  return {
    sections: [section({ lines }), ...each],
    answer,
    outOfTime: answer.outOfTime,
    drafts: whole === undefined ? [] : [whole],
  };
}

function answerRolling(
  snapshot: Snapshot,
  { hosts, groupMax }: Ask<"rolling">,
  elapsedShare: ElapsedShare,
): PlanReport {
  const answer = planRolling(snapshot, {
    elapsedShare,
    ...(hosts.length === 0 ? {} : { hostIds: hostIds(snapshot, hosts) }),
    ...(groupMax === undefined ? {} : { groupMax }),
  });
  const nameOf = hostNames(snapshot);
  const groups = answer.groups.map((group, index) =>
    motionSection(snapshot, group.plan, {
      title: `group ${String(index + 1)}: ${group.hostIds.map(nameOf).join(", ")}`,
      lines: group.plan.moves.length === 0 ? ["nothing has to move"] : [],
    }),
  );
  const blocked = answer.blocked.map(({ hostId, stuck }) =>
    section({
      title: `${nameOf(hostId)} cannot be emptied`,
      stuck: stuck.map((each) => reportStuck(snapshot, each)),
    }),
  );
  const left = answer.notReached.map(nameOf);
  const rest = left.length === 0 ? [] : [section({ lines: [`not reached: ${left.join(", ")}`] })];
  return {
    sections: [...groups, ...blocked, ...rest],
    answer,
    outOfTime: left.length > 0,
    drafts: answer.groups.map(({ hostIds: group, plan }) =>
      draftOf(snapshot, plan, { kind: "rolling", hostIds: group }),
    ),
  };
}

function answerCapacity(
  snapshot: Snapshot,
  { shapes, survive }: Ask<"capacity">,
  elapsedShare: ElapsedShare,
): PlanReport {
  const asked =
    survive === undefined
      ? snapshot
      : applyChanges(snapshot, [
          { kind: "set-policy", policy: { survive: { level: "host", count: survive } } },
        ]);
  const answer = capacity(asked, shapes, { elapsedShare });
  const policy =
    survive === undefined ? "" : ` while ${String(survive)} of the hosts may be lost at once`;
  const sections = [...capacitySections(snapshot, answer, policy)];
  return {
    sections,
    // A shape has bigint; what was asked is known to the asker.
    answer: {
      ...answer,
      tiers: answer.tiers.map(({ count, refusedByCheck }) => ({ count, refusedByCheck })),
    },
    outOfTime: answer.outOfTime,
  };
}

function capacitySections(
  snapshot: Snapshot,
  answer: CapacityAnswer,
  policy: string,
): readonly PlanSection[] {
  const nameOf = hostNames(snapshot);
  const lines = answer.tiers.map(
    ({ shape, count }) => `${String(count)} more VMs of ${describeShape(shape)} fit${policy}`,
  );
  const stops = answer.tiers.flatMap(({ refusedByCheck }) =>
    refusedByCheck.map(
      ({ check, hosts }) => `the next one fails ${check} on ${String(hosts)} hosts`,
    ),
  );
  const counts = answer.byHost.map(({ hostId, count }) => ({ name: nameOf(hostId), count }));
  return [section({ lines: [...lines, ...stops], counts })];
}
