/** "Did you mean?" PURE. */

/** Further than this and a suggestion only confuses. */
const DISTANCE_MAX = 3;

/** The candidate with the fewest edits to `text`, when it is close enough to be meant. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(text, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.min(DISTANCE_MAX, candidate.length / 2))
    .sort((left, right) => left.distance - right.distance);
  return ranked[0]?.candidate;
}

/** Levenshtein's, letters compared without case. */
function editDistance(from: string, to: string): number {
  const source = from.toLowerCase();
  const target = to.toLowerCase();
  let row = Array.from({ length: target.length + 1 }, (_, index) => index);
  for (let i = 1; i <= source.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= target.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (source[i - 1] === target[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[target.length] ?? 0;
}
