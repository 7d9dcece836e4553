/**
 * "What would make it fit?" after a refusal: the smallest set of moves that makes room, hosts where a single
 * thing stands in the way, and the largest VM that would go somewhere as it is.
 */
import { MoveBook } from "./move-book.ts";
import { renderRefusal } from "./explain.ts";
import type { Refusal } from "./refusal.ts";
import type { PlaceRequest, Snapshot, VmSnapshot } from "./snapshot.ts";
import { describeMiB, describeNumber } from "./wording.ts";

export interface WouldFit {
  /** Moves after which the VM fits on `hostId`; null when none of at most {@link MOVES_MAX} were found. */
  readonly moves: {
    readonly hostId: string;
    readonly moves: readonly {
      readonly vmId: string;
      readonly vmName: string;
      readonly toHostId: string;
    }[];
    readonly memoryMiB: number;
  } | null;
  /** Hosts that fail one check and no other. */
  readonly singleObstacles: readonly { readonly hostId: string; readonly refusal: Refusal }[];
  /** The request with less of one resource, each alone; null when even none of it would not help. */
  readonly largestCpus: number | null;
  readonly largestMemoryMiB: number | null;
}

/** VMs that may have to make way. More is seldom worth it, and the search grows with every one. */
const MOVES_MAX = 3;

/** Checks that moving other VMs away can help with. */
const MENDED_BY_MOVES: ReadonlySet<string> = new Set([
  "enough-cpu",
  "enough-memory",
  "enough-hugepages",
  "vms-per-host",
  "numa-fit",
  "group-rules",
]);

export function whatWouldFit(snapshot: Snapshot, request: PlaceRequest): WouldFit {
  const book = new MoveBook(snapshot);
  const answer = book.planner.place(request);
  const refusals = answer.ok ? [] : answer.refusals;
  return {
    moves: answer.ok ? null : cheapestMoves(snapshot, request, refusals),
    singleObstacles: refusals.flatMap(({ hostId, refusals: [refusal, ...more] }) =>
      refusal !== undefined && more.length === 0 ? [{ hostId, refusal }] : [],
    ),
    largestCpus: largest(
      request.vm.cpus,
      (cpus) => ({ ...request, vm: { ...request.vm, cpus } }),
      book,
    ),
    largestMemoryMiB: largest(
      Number(request.vm.memoryBytes / 1048576n),
      (mebibytes) => ({
        ...request,
        vm: { ...request.vm, memoryBytes: BigInt(mebibytes) * 1048576n },
      }),
      book,
    ),
  };
}

/** The largest whole value from 1 to `asked` with which the request fits; less is always easier. */
function largest(
  asked: number,
  requestWith: (value: number) => PlaceRequest,
  book: MoveBook,
): number | null {
  const fits = (value: number) => book.planner.place(requestWith(value)).ok;
  if (asked < 1 || !fits(1)) return null;
  let low = 1;
  let high = Math.floor(asked);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function cheapestMoves(
  snapshot: Snapshot,
  request: PlaceRequest,
  refusals: readonly { readonly hostId: string; readonly refusals: readonly Refusal[] }[],
): WouldFit["moves"] {
  const candidates = refusals
    .filter(({ refusals: all }) => all.every(({ check }) => MENDED_BY_MOVES.has(check)))
    .map(({ hostId }) => hostId);
  let best: WouldFit["moves"] = null;
  for (const hostId of candidates) {
    const found = makeWay(snapshot, request, { hostId, movesMax: best?.moves.length ?? MOVES_MAX });
    if (found === null) continue;
    const isBetter =
      best === null ||
      found.moves.length < best.moves.length ||
      (found.moves.length === best.moves.length && found.memoryMiB < best.memoryMiB);
    if (isBetter) best = found;
  }
  return best;
}

/** The fewest VMs of one host that can go elsewhere so that the request fits there: one, then two, then three. */
function makeWay(
  snapshot: Snapshot,
  request: PlaceRequest,
  at: { readonly hostId: string; readonly movesMax: number },
): WouldFit["moves"] {
  const here = snapshot.vms
    .filter((vm) => vm.hostId === at.hostId && vm.movable !== false && vm.id !== request.vm.id)
    .sort((a, b) => Number(a.memoryBytes - b.memoryBytes) || (a.id < b.id ? -1 : 1));
  for (let count = 1; count <= at.movesMax; count++) {
    const book = new MoveBook(snapshot);
    const found = tryMoves(book, request, { hostId: at.hostId, from: here, count });
    if (found === null) continue;
    const moved = new Map(here.map((vm) => [vm.id, vm]));
    const memoryMiB = found.reduce(
      (sum, move) => sum + Number(moved.get(move.vmId)?.memoryBytes ?? 0n) / 1048576,
      0,
    );
    return { hostId: at.hostId, moves: found, memoryMiB };
  }
  return null;
}

type Moves = readonly {
  readonly vmId: string;
  readonly vmName: string;
  readonly toHostId: string;
}[];

/** Depth first, the smallest VMs first; the last of the set may be any that frees enough. */
function tryMoves(
  book: MoveBook,
  request: PlaceRequest,
  what: { readonly hostId: string; readonly from: readonly VmSnapshot[]; readonly count: number },
): Moves | null {
  const { hostId, from, count } = what;
  for (const [index, vm] of from.entries()) {
    const answer = book.place(vm.id);
    if (!answer.ok) continue;
    const toHostId = answer.hostId;
    book.begin(vm.id, toHostId);
    book.end(vm.id, toHostId);
    const own = { vmId: vm.id, vmName: vm.name, toHostId };
    if (count === 1 && book.planner.fits(request, hostId)) return [own];
    const rest =
      count === 1
        ? null
        : tryMoves(book, request, { hostId, from: from.slice(index + 1), count: count - 1 });
    if (rest !== null) return [own, ...rest];
    if (!book.canMove(vm.id, hostId)) return null;
    book.begin(vm.id, hostId);
    book.end(vm.id, hostId);
  }
  return null;
}

export function renderWouldFit(found: WouldFit): readonly string[] {
  const { moves, singleObstacles, largestCpus, largestMemoryMiB } = found;
  const lines: string[] = [];
  if (moves !== null) {
    const list = moves.moves.map((move) => `${move.vmName} to ${move.toHostId}`).join(", ");
    lines.push(
      `it would fit on ${moves.hostId} after moving ${list} (${describeMiB(moves.memoryMiB)})`,
    );
  }
  for (const { hostId, refusal } of singleObstacles) {
    lines.push(`on ${hostId} only this stands in the way: ${renderRefusal(refusal)}`);
  }
  if (largestMemoryMiB !== null)
    lines.push(`with ${describeMiB(largestMemoryMiB)} of memory it would fit now`);
  if (largestCpus !== null) lines.push(`with ${describeNumber(largestCpus)} CPUs it would fit now`);
  return lines.length > 0 ? lines : ["nothing that the planner can suggest would make it fit"];
}
