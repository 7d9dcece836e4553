/** "storage=shared,size=1G": the parts of a flag. PURE. */
import { invalid } from "@muster/model";
import { nearest } from "./nearest.ts";

export function parsePairs(
  text: string,
  flag: string,
  known: readonly string[],
): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of text === "" ? [] : text.split(",")) {
    const at = pair.indexOf("=");
    if (at < 0) throw invalid(flag, `"${pair}" is not name=value`, `known: ${known.join(", ")}`);
    const name = pair.slice(0, at);
    if (!known.includes(name)) {
      const meant = nearest(name, known);
      const hint = meant === undefined ? `known: ${known.join(", ")}` : `did you mean "${meant}"?`;
      throw invalid(flag, `unknown part "${name}"`, hint);
    }
    if (pairs.has(name)) throw invalid(flag, `"${name}" is given twice`);
    pairs.set(name, pair.slice(at + 1));
  }
  return pairs;
}
