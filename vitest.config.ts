import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/test/longest-first.ts";

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "packages/**/*.test.ts",
            "{bench,scripts}/**/*.test.ts",
            "test/{tidy,integration,planner}/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/*.live.test.ts"],
          // Properties draw thousands of cases: seconds on a quiet machine, several times that on a busy one.
          setupFiles: ["test/property-seed.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          setupFiles: ["test/property-seed.ts"],
          testTimeout: 300_000,
        },
      },
      {
        // Real libvirt, QEMU, Open vSwitch, Prometheus: slow, as root. Two files at a time, each with a lab of its own.
        test: {
          name: "lab",
          include: ["test/{lab,kernel-lab,peers}/**/*.test.ts", "packages/**/*.live.test.ts"],
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
