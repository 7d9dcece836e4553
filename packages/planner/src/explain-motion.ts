/** Plans of moves as lines of text for people. */
import type { StuckVm } from "./evacuate.ts";
import { renderRefusal, renderRefusals } from "./explain.ts";
import type { MotionPlan, PlannedMove } from "./motion.ts";
import type { Snapshot } from "./snapshot.ts";
import { describeMiB, describeNumber } from "./wording.ts";

/** The moves by wave with what each costs, the totals, and what had to be left out. */
export function renderMotion(plan: MotionPlan, snapshot: Snapshot): readonly string[] {
  const names = new Map(snapshot.hosts.map((host) => [host.id, host.name]));
  const nameOf = (hostId: string) => names.get(hostId) ?? hostId;
  if (plan.moves.length === 0 && plan.dropped.length === 0) return ["nothing to move"];
  const lines: string[] = [];
  let wave = 0;
  for (const move of plan.moves) {
    if (move.wave !== wave) lines.push(`wave ${move.wave}:`);
    wave = move.wave;
    lines.push(`  ${renderMove(move, nameOf)}`);
  }
  if (plan.moves.length > 0) lines.push(renderTotals(plan));
  for (const dropped of plan.dropped) {
    const why = dropped.refusals.map(renderRefusal).join("; ");
    lines.push(`left out: ${dropped.vmName} to ${nameOf(dropped.toHostId)}: ${why}`);
  }
  return lines;
}

function renderTotals(plan: MotionPlan): string {
  const { moves, hops, memoryMiB, volumesMiB, seconds } = plan.totals;
  const stops = hops === 0 ? "" : `, ${hops} of them only stops on the way`;
  const volumes = volumesMiB === 0 ? "" : ` and ${describeMiB(volumesMiB)} of volumes`;
  return `${count(moves, "move")} in ${count(plan.waveCount, "wave")}${stops}: ${describeMiB(memoryMiB)} of memory${volumes}, about ${describeSeconds(seconds)}`;
}

function renderMove(move: PlannedMove, nameOf: (hostId: string) => string): string {
  const { cost } = move;
  const volumes = cost.volumesMiB === 0 ? "" : `, ${describeMiB(cost.volumesMiB)} of volumes`;
  const notes = [
    ...(move.isHop ? ["a stop on the way"] : []),
    ...(cost.converges ? [] : ["dirties memory faster than the link carries it"]),
  ];
  const remark = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
  return `${move.vmName}: ${nameOf(move.fromHostId)} to ${nameOf(move.toHostId)}, ${describeMiB(cost.memoryMiB)}${volumes}, ${describeSeconds(cost.seconds)}, still for ${cost.downtimeMs} ms${remark}`;
}

/** Why a VM stays on a host that is to be left, or down after a loss. */
export function renderStuck(
  stuck: StuckVm,
  how: { readonly all?: boolean } = {},
): readonly string[] {
  const { why } = stuck;
  switch (why.kind) {
    case "not-movable":
      return [`VM ${stuck.vmName} cannot move live`];
    case "volumes-lost":
      return [`VM ${stuck.vmName} has volumes on ${why.storages.join(", ")} of the lost host`];
    case "no-host":
      return renderRefusals(why.answer, how);
  }
}

const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? "" : "s"}`;

function describeSeconds(seconds: number): string {
  if (seconds < 60) return `${describeNumber(Math.round(seconds * 10) / 10)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
