/** systemd judges our units. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, isInstalled, root } from "./tools.ts";

const units = join(root, "deploy/systemd");

/** Exposure as `systemd-analyze security` counts it: 0 is a locked box, 10 is no protection at all. */
const exposures = [
  // What is left is the network it serves and the child that notifies systemd.
  { unit: "muster-coordinator.service", mostTenths: 15 },
  // It is root on purpose: libvirt's socket, bridges and taps; and it makes network namespaces.
  { unit: "muster-agent.service", mostTenths: 40 },
] as const;

describe.skipIf(!isInstalled("systemd-analyze"))("systemd", () => {
  it.each(exposures)("verifies $unit", ({ unit }) => {
    const scratch = mkdtempSync(join(tmpdir(), "muster-units-"));
    try {
      // Nothing is installed here, so the unit starts a program that exists.
      const text = readFileSync(join(units, unit), "utf8");
      const copy = join(scratch, unit);
      writeFileSync(copy, text.replace("/usr/lib/muster/node", process.execPath));
      const verdict = ask("systemd-analyze", ["verify", "--recursive-errors=no", copy]);
      expect(verdict).toStrictEqual({ exitCode: 0, text: "" });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });

  it.each(exposures)("finds $unit exposed by at most $mostTenths/10", ({ unit, mostTenths }) => {
    const { exitCode, text } = ask("systemd-analyze", [
      "security",
      "--offline=true",
      "--no-pager",
      // The option counts in tenths.
      `--threshold=${String(mostTenths)}`,
      join(units, unit),
    ]);
    expect(text).toMatch(/Overall exposure level/);
    expect(exitCode, text).toBe(0);
  });
});

describe("each unit", () => {
  it.each(exposures)("$unit says why it keeps what it keeps", ({ unit }) => {
    const text = readFileSync(join(units, unit), "utf8");
    expect(text).toMatch(/^# MemoryDenyWriteExecute= stays off: .+/m);
    expect(text).toMatch(/^Restart=always$/m);
    expect(text).toMatch(/^WatchdogSec=\d+$/m);
  });

  it("gives the coordinator no capability, and the agent those it gives a reason for", () => {
    const capabilities = exposures.map(
      ({ unit }) =>
        /^CapabilityBoundingSet=(.*)$/m.exec(readFileSync(join(units, unit), "utf8"))?.[1],
    );
    expect(capabilities[0]).toBe("");
    const text = readFileSync(join(units, "muster-agent.service"), "utf8");
    for (const capability of capabilities[1]?.split(" ") ?? []) {
      expect(text).toMatch(new RegExp(`^# ${capability}: .+`, "m"));
    }
  });
});
