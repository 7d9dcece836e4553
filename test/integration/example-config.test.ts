/** The example configurations: accepted, and true about the defaults. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readCoordinatorConfig } from "../../packages/coordinator/src/daemon/config.ts";

const examples = join(import.meta.dirname, "../../deploy/config");
const scratch = mkdtempSync(join(tmpdir(), "muster-config-"));

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** "# port: 7480" becomes "port: 7480"; prose stays a comment. */
const uncommented = (text: string): string => text.replaceAll(/^# ?(?= *[a-z-]+:( |$))/gm, "");

/** The example with every line in force. */
function inFull(name: string): string {
  const path = join(scratch, name);
  writeFileSync(path, uncommented(readFileSync(join(examples, name), "utf8")));
  return path;
}

describe("the coordinator's example", () => {
  const name = "coordinator.example.yaml";

  it("is accepted as it is", () => {
    const config = readCoordinatorConfig({ path: join(examples, name) });
    expect(config.agentAddresses).toHaveLength(1);
  });

  it("shows every default as it is", () => {
    const { agentAddresses: _shown, ...full } = readCoordinatorConfig({ path: inFull(name) });
    const { agentAddresses: _default, ...defaults } = readCoordinatorConfig({});
    expect(full).toStrictEqual(defaults);
    // Nothing is in it only as a comment any more.
    expect(readFileSync(inFull(name), "utf8")).toMatch(/^log-level: info$/m);
  });
});
