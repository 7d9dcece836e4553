/** The example configurations: accepted, and true about the defaults. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readAgentConfig } from "../../packages/agent/src/daemon/config.ts";
import { readCoordinatorConfig } from "../../packages/coordinator/src/daemon/config.ts";

const examples = join(import.meta.dirname, "../../deploy/config");
const scratch = mkdtempSync(join(tmpdir(), "muster-config-"));

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** "# port: 7480" becomes "port: 7480"; prose, and what is only an example, stays a comment. */
const uncommented = (text: string): string => text.replaceAll(/^# ?(?= *[a-z-]+:( \S+)?$)/gm, "");

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

describe("the agent's example", () => {
  const name = "agent.example.yaml";

  it("shows every default as it is", () => {
    const defaults = readAgentConfig({});
    expect(readAgentConfig({ path: join(examples, name) })).toStrictEqual(defaults);
    expect(readAgentConfig({ path: inFull(name) })).toStrictEqual(defaults);
    expect(readFileSync(inFull(name), "utf8")).toMatch(/^ {2}driver: auto$/m);
  });

  it("has examples that are accepted", () => {
    const path = inFull(name);
    const text = readFileSync(path, "utf8").replaceAll(/^# ?(?=.* # example$)/gm, "");
    writeFileSync(path, text);
    const { networks, migrationAddress, metrics } = readAgentConfig({ path });
    expect(networks).toMatchObject({ bridge: "br0", uplink: "eth1" });
    expect(migrationAddress).toBe("192.0.2.11");
    expect(metrics.advertise).toBe("h1.example.org:9177");
  });
});
