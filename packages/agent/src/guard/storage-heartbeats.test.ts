import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHostId, type HostId } from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keptLog } from "../testing/agent-setting.ts";
import { FileHeartbeats } from "./storage-heartbeats.ts";

const hostId = (number: number): HostId =>
  parseHostId(`a0000000-0000-4000-8000-00000000000${String(number)}`);

describe("signs of life on shared storage", () => {
  let path = "";
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), "muster-signs-"));
  });
  afterEach(() => rm(path, { recursive: true }));

  const clock = new SimulatedClock();
  const { log, lines } = keptLog();
  const of = (number: number, where = path): FileHeartbeats =>
    new FileHeartbeats({
      hostId: hostId(number),
      directories: async () => [{ name: "shared", path: where }],
      clock,
      log,
    });

  /** What host 2 finds of host 1 while this is done. */
  async function found(meanwhile: () => Promise<void>): Promise<readonly string[]> {
    let answer: readonly string[] | undefined;
    const asked = of(2)
      .read(hostId(1))
      .then((lines) => {
        answer = lines;
      });
    for (let turns = 0; answer === undefined && turns < 200; turns += 1) {
      await meanwhile();
      await new Promise((resolve) => setImmediate(resolve));
      await clock.runFor(1_000);
    }
    await asked;
    return answer ?? [];
  }

  it(
    "tell a host that writes from one that does not, and from one that never did",
    { timeout: 30_000 },
    async () => {
      const living = of(1);
      const file = join(path, ".muster", hostId(1));
      const read = (): Promise<string> => readFile(file, "utf8").catch(() => "");
      /** Simulated time must not run ahead of the disk. A beat is left out while the last one has not ended. */
      const beat = async (): Promise<void> => {
        const before = await read();
        const next = async (): Promise<string> => {
          await living.reconcile();
          return read();
        };
        await expect.poll(next, { timeout: 10_000, interval: 5 }).not.toBe(before);
      };
      expect(await found(async () => undefined)).toStrictEqual(["shared: missing"]);
      await beat();
      expect(await found(async () => undefined)).toStrictEqual(["shared: still"]);
      expect(await found(beat)).toStrictEqual(["shared: moving"]);
    },
  );

  it("say once that a storage cannot be written to", async () => {
    const writer = of(1, join(path, "not-mounted"));
    const said = (): number => lines.filter((line) => line.includes("sign of life")).length;
    await writer.reconcile();
    await expect.poll(said, { timeout: 10_000 }).toBe(1);
    await writer.reconcile();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(said()).toBe(1);
  });
});
