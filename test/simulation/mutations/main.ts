/** `npm run soak -- mutations [NAME]`: shows that the simulation finds bugs: each of these, and how soon. */
import { Mutant } from "./mutant.ts";
import { mutations } from "./mutations.ts";

const wanted = process.argv.slice(2).join(" ");
let missed = 0;
using mutant = new Mutant();
for (const mutation of mutations) {
  if (!`${mutation.rule} ${mutation.name}`.includes(wanted)) continue;
  const found = mutant.firstSeedThatFinds(mutation);
  const what = `${mutation.rule}  ${mutation.name}`;
  if (found === undefined) {
    missed += 1;
    console.log(`MISSED  ${what}: not in ${String(mutation.seedsMax)} seeds`);
  } else {
    console.log(`seed ${String(found.seed).padStart(3)}  ${what}: ${found.violation}`);
  }
}
console.log(missed === 0 ? "every bug was found" : `${String(missed)} bugs were not found`);
process.exitCode = missed === 0 ? 0 : 1;
