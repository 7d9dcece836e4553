/** Words that the answers share. Pure. */
import { renderSize } from "@muster/model";
import type { Snapshot, VmShape, WouldFit } from "@muster/planner";
import { hostNames } from "./plan-report.ts";

export const describeShape = (shape: Pick<VmShape, "cpus" | "memoryBytes">): string =>
  `${String(shape.cpus)} CPU${shape.cpus === 1 ? "" : "s"} and ${renderSize(shape.memoryBytes)}`;

/** A person can do something about a few; on a thousand hosts the same obstacle is no advice. */
const OBSTACLES_SHOWN = 3;

/** The same advice with hosts by name, for people. */
export function nameWouldFit(snapshot: Snapshot, wouldFit: WouldFit): WouldFit {
  const nameOf = hostNames(snapshot);
  const { moves, singleObstacles } = wouldFit;
  return {
    ...wouldFit,
    moves:
      moves === null
        ? null
        : {
            ...moves,
            hostId: nameOf(moves.hostId),
            moves: moves.moves.map((move) => ({ ...move, toHostId: nameOf(move.toHostId) })),
          },
    singleObstacles: singleObstacles.slice(0, OBSTACLES_SHOWN).map(({ hostId, refusal }) => ({
      hostId: nameOf(hostId),
      refusal,
    })),
  };
}
