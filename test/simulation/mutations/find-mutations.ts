/** Shows that the simulation finds bugs: each of `mutations.ts`, and how soon. */
import { Mutant } from "./mutant.ts";
import { mutations } from "./mutations.ts";

/** True when all whose rule and name have these words were found. */
export function findMutations(words: string, print: (line: string) => void): boolean {
  let missed = 0;
  using mutant = new Mutant();
  for (const mutation of mutations) {
    if (!`${mutation.rule} ${mutation.name}`.includes(words)) continue;
    const found = mutant.firstSeedThatFinds(mutation);
    const what = `${mutation.rule}  ${mutation.name}`;
    if (found === undefined) {
      missed += 1;
      print(`MISSED    ${what}: not in ${String(mutation.seedsMax)} seeds`);
    } else {
      print(`seed ${String(found.seed).padStart(3)}  ${what}: ${found.violation}`);
    }
  }
  print(missed === 0 ? "every bug was found" : `${String(missed)} bugs were not found`);
  return missed === 0;
}
