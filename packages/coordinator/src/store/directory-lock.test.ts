import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lockDirectory } from "./directory-lock.ts";

describe("lockDirectory", () => {
  it("lets one in at a time", async () => {
    const directory = await mkdtemp(join(tmpdir(), "muster-lock-"));
    try {
      const first = lockDirectory(directory);
      expect(() => lockDirectory(directory)).toThrow(`another coordinator works in ${directory}`);
      first[Symbol.dispose]();
      using second = lockDirectory(directory);
      expect(second).toBeDefined();
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
