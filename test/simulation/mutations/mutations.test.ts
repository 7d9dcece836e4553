/** The bugs of `mutations.ts` can still be made; a few of them are made and found here, all by `npm run soak -- mutations`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Mutant, mutated } from "./mutant.ts";
import { mutations } from "./mutations.ts";

const root = join(import.meta.dirname, "../../..");

/** Found within a few seeds; the others take minutes. */
const quick = new Set([
  "a claim is not released with its operation",
  "a rollback leaves what was defined",
]);

describe("the simulation", () => {
  it.each(mutations)("can be shown this bug: $name", (mutation) => {
    const sound = readFileSync(join(root, mutation.file), "utf8");
    expect(mutated(sound, mutation)).not.toBe(sound);
  });

  it("finds the quick ones", () => {
    using mutant = new Mutant();
    const chosen = mutations.filter(({ name }) => quick.has(name));
    expect(chosen).toHaveLength(quick.size);
    const missed = chosen.filter((mutation) => mutant.firstSeedThatFinds(mutation) === undefined);
    expect(missed.map(({ name }) => name)).toStrictEqual([]);
  });
});
