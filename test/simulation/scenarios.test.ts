/**
 * Behaviour, as stories with golden logs: `scenarios/<name>/`. A line that is not expected is a failing test; when it
 * is right, `npx vitest run --project simulation scenarios -u` writes it, and it is reviewed like code.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { playScenario } from "./scenario.ts";

const home = join(import.meta.dirname, "scenarios");
const names = readdirSync(home, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Stories end badly only where they say so in their name. */
const endsBadly = (name: string): boolean => name.endsWith("-left-broken");

describe("scenarios", () => {
  it("are many", () => {
    expect(names.length).toBeGreaterThanOrEqual(60);
  });

  it.each(names)("%s", async (name) => {
    const directory = join(home, name);
    expect(existsSync(join(directory, "README.md"))).toBe(true);
    const log = await playScenario(directory);
    if (!endsBadly(name)) expect(log).toContain("every promise is kept");
    await expect(log).toMatchFileSnapshot(join(directory, "log.expect"));
  });
});
