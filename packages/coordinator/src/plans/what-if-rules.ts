/** What other rules or other hosts would mean for what runs. Pure. */
import { openPlanner, planRuleMending, type Snapshot } from "@muster/planner";
import { clashLines, unsurvivedLines } from "../planning/rule-checks.ts";
import { findHost } from "./find-in-snapshot.ts";
import type { WhatIf } from "./plan-question.ts";
import { motionSection, section, type PlanSection } from "./plan-report.ts";

/** The snapshot with another rule of how many domains may be lost, if the question has one. */
export function withSurvival(snapshot: Snapshot, { survive }: WhatIf): Snapshot {
  if (survive === undefined) return snapshot;
  const { survive: _now, ...policy } = snapshot.policy ?? {};
  return { ...snapshot, policy: survive.count === 0 ? policy : { ...policy, survive } };
}

/** New clashes, failures that would not be survived, and the moves after which the rules would be kept. */
export function rulesOutcome(
  before: Snapshot,
  changed: Snapshot,
  question: WhatIf,
): { readonly sections: readonly PlanSection[]; readonly answer: object } {
  const { setRules, removeRules, survive } = question;
  const isRuled = setRules.length + removeRules.length > 0;
  if (!isRuled && survive === undefined) return { sections: [], answer: {} };
  const old = new Set(clashLines(before));
  const clashes = clashLines(changed).filter((line) => !old.has(line));
  const unsurvived = unsurvivedLines(changed);
  // Rules that clash cannot be kept, and the moves would go in circles.
  const mending = isRuled && clashes.length === 0 ? planRuleMending(changed) : undefined;
  const count = mending === undefined ? 0 : mending.moves.length + mending.stuck.length;
  const lines = [
    ...clashes.map((line) => `would be refused: ${line}`),
    ...unsurvived.map((line) => `not survived: ${line}`),
    ...(survive === undefined || survive.count === 0 || unsurvived.length > 0
      ? []
      : [`any ${String(survive.count)} of level ${survive.level} could be lost`]),
    ...(mending === undefined ? [] : [mendingLine(count)]),
  ];
  const title = "with the rules changed";
  return {
    sections: [
      mending === undefined
        ? section({ title, lines })
        : motionSection(changed, mending, { title, lines }),
    ],
    answer: { rules: { clashes, unsurvived, ...(mending === undefined ? {} : { mending }) } },
  };
}

const mendingLine = (count: number): string =>
  count === 0
    ? "every VM keeps the rules where it is"
    : `${String(count)} VM${count === 1 ? " is" : "s are"} where the rules would not have ${count === 1 ? "it" : "them"}`;

/** What a host has promised beside what it would have. */
export function hostRoom(changed: Snapshot, nameOrId: string) {
  const { id, name } = findHost(changed, nameOrId);
  const { usage } = openPlanner(changed);
  const host = usage.hostIndexById.get(id) ?? -1;
  const freeCpus = usage.freeCpus(host);
  const freeMemoryMiB = usage.freeMemoryMiB(host);
  const room = (free: number, unit: string): string =>
    free < 0 ? `${String(-free)} ${unit} too few` : `${String(free)} ${unit} free`;
  return {
    hostId: id,
    freeCpus,
    freeMemoryMiB,
    title: `${name} of another size`,
    lines: [
      `with what is promised there now: ${room(freeCpus, "CPUs")}, ${room(freeMemoryMiB, "MiB of memory")}`,
    ],
  };
}
