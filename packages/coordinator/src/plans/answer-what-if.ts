/** What would be, if hosts were lost or added, VMs or hosts had another size, or rules were others. Pure. */
import {
  applyChanges,
  capacity,
  place,
  planRecovery,
  renderAnswer,
  renderRefusal,
  whyNot,
  type Change,
  type PlaceAnswer,
  type Refusal,
  type Snapshot,
  type VmShape,
  type VmSnapshot,
} from "@muster/planner";
import type { ElapsedShare } from "./answer-question.ts";
import { findHost, findRule, findVm, hostIds, hostsOfDomain } from "./find-in-snapshot.ts";
import type { Resize, WhatIf } from "./plan-question.ts";
import {
  hostNames,
  motionSection,
  section,
  type PlanReport,
  type PlanSection,
} from "./plan-report.ts";
import { describeShape } from "./plan-wording.ts";
import { hostRoom, rulesOutcome, withSurvival } from "./what-if-rules.ts";

export function answerWhatIf(
  snapshot: Snapshot,
  question: WhatIf,
  elapsedShare: ElapsedShare,
): PlanReport {
  const domains = question.loseDomains.flatMap((name) => hostsOfDomain(snapshot, name));
  const lost = [...new Set([...hostIds(snapshot, question.lose), ...domains])];
  const resized = question.resize.map((resize) => findVm(snapshot, resize.vm).id);
  const changed = withSurvival(applyChanges(snapshot, changesOf(snapshot, question)), question);
  const recovery = lost.length === 0 ? undefined : planRecovery(changed, lost);
  const ruled = rulesOutcome(snapshot, changed, question);
  const hosts = question.resizeHosts.map(({ host }) => hostRoom(changed, host));
  const fits = resized.map((vmId) => checkResized(changed, vmId));
  const after = applyChanges(changed, [{ kind: "lose-hosts", hostIds: lost }]);
  const room =
    question.shape === undefined
      ? undefined
      : countRoom({ before: snapshot, after, shape: question.shape, elapsedShare });
  return {
    sections: [
      ...(recovery === undefined
        ? []
        : [recoverySection(changed, recovery, [...question.lose, ...question.loseDomains])]),
      ...hosts.map((host) => section({ title: host.title, lines: host.lines })),
      ...ruled.sections,
      ...fits.map((fit) => resizedSection(changed, fit)),
      ...(room === undefined ? [] : [section({ title: "room", lines: room.lines })]),
    ],
    answer: {
      ...(recovery === undefined ? {} : { recovery }),
      ...(hosts.length === 0
        ? {}
        : { hosts: hosts.map(({ lines: _lines, title: _title, ...host }) => host) }),
      ...ruled.answer,
      ...(fits.length === 0
        ? {}
        : { resized: fits.map(({ vm, ...fit }) => ({ vmId: vm.id, ...fit })) }),
      ...(room === undefined ? {} : { capacity: { before: room.before, after: room.after } }),
    },
    outOfTime: room?.outOfTime ?? false,
  };
}

function changesOf(snapshot: Snapshot, question: WhatIf): readonly Change[] {
  const { add, resize, resizeHosts, setRules, removeRules } = question;
  const added: readonly Change[] =
    add === undefined
      ? []
      : [{ kind: "add-hosts", like: findHost(snapshot, add.like).id, count: add.count }];
  return [
    ...added,
    ...resize.map((each) => resizeChange(snapshot, each)),
    ...resizeHosts.map((each): Change => {
      const { host, ...size } = each;
      return { kind: "resize-host", hostId: findHost(snapshot, host).id, capacity: size };
    }),
    ...removeRules.map((name): Change => ({
      kind: "remove-rule",
      name: findRule(snapshot, name).name,
    })),
    ...setRules.map((rule): Change => ({ kind: "set-rule", rule })),
  ];
}

function resizeChange(snapshot: Snapshot, { vm, cpus, memoryBytes }: Resize): Change {
  const shape = {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  };
  return { kind: "resize-vm", vmId: findVm(snapshot, vm).id, shape };
}

function recoverySection(
  snapshot: Snapshot,
  recovery: ReturnType<typeof planRecovery>,
  lost: readonly string[],
): PlanSection {
  const all = recovery.moves.length + recovery.stuck.length;
  const lines = [`${String(recovery.moves.length)} of ${String(all)} VMs would start elsewhere`];
  return motionSection(snapshot, recovery, {
    title: `without ${lost.join(", ")}`,
    lines,
    isRestart: true,
  });
}

interface ResizedFit {
  readonly vm: VmSnapshot;
  /** Why it would not fit where it is; empty: it would. */
  readonly here: readonly Refusal[];
  /** Where it would go; null when it fits where it is. */
  readonly elsewhere: PlaceAnswer | null;
}

function checkResized(snapshot: Snapshot, vmId: string): ResizedFit {
  const vm = findVm(snapshot, vmId);
  // A cordoned host keeps what it has.
  const open = applyChanges(snapshot, [
    { kind: "uncordon", hostIds: vm.hostId === undefined ? [] : [vm.hostId] },
  ]);
  const here = vm.hostId === undefined ? [] : whyNot(open, { vm }, vm.hostId);
  const stays = vm.hostId !== undefined && here.length === 0;
  const from = vm.hostId === undefined ? {} : { fromHostId: vm.hostId };
  return { vm, here, elsewhere: stays ? null : place(snapshot, { vm, ...from }) };
}

function resizedSection(snapshot: Snapshot, { vm, here, elsewhere }: ResizedFit): PlanSection {
  const host = vm.hostId === undefined ? "" : hostNames(snapshot)(vm.hostId);
  const title = `${vm.name} with ${describeShape(vm)}`;
  if (elsewhere === null) return section({ title, lines: [`fits where it is, on ${host}`] });
  return section({
    title,
    lines: [
      ...here.map((refusal) => `${host}: ${renderRefusal(refusal)}`),
      ...renderAnswer(elsewhere, { all: true }),
    ],
  });
}

function countRoom(parts: {
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly shape: VmShape;
  readonly elapsedShare: ElapsedShare;
}) {
  const { shape, elapsedShare } = parts;
  const [before, after] = [parts.before, parts.after].map((snapshot) =>
    capacity(snapshot, [shape], { elapsedShare }),
  );
  const count = (answer: typeof before): number => answer?.tiers[0]?.count ?? 0;
  return {
    before: count(before),
    after: count(after),
    outOfTime: before?.outOfTime === true || after?.outOfTime === true,
    lines: [
      `VMs of ${describeShape(shape)} that fit: ${String(count(before))} now, ${String(count(after))} then`,
    ],
  };
}
