import { describe, expect, it } from "vitest";
import { renderFailure } from "./failure.ts";
import { paintNothing } from "./style.ts";

const detail = (hosts: number) => ({
  message: "none of 40 hosts can take VM x",
  cause: "",
  hint: "ask for less",
  reasons: [
    "no host can take 8 CPUs; of 40 hosts:",
    "  40 have too few CPUs",
    ...Array.from({ length: hosts }, (_, index) => [`h${String(index)}:`, "  too little", "  off"]),
  ].flat(),
});

const lines = (hosts: number, isComplete: boolean) =>
  renderFailure(detail(hosts), paintNothing, { isComplete }).split("\n");

describe("a failure with many reasons", () => {
  it("shows counts and the first, each whole, and says how to see the rest", () => {
    const text = lines(40, false);
    expect(text).toContain("    40 have too few CPUs");
    expect(text.filter((line) => line === "    off")).toHaveLength(11);
    expect(text).toContain("  - and 29 more: the same command with --all shows them");
    expect(text).toContain("  what to do: ask for less");
  });

  it("shows all when asked to, and all when they are few", () => {
    expect(lines(40, true).filter((line) => line === "    off")).toHaveLength(40);
    expect(lines(11, false).filter((line) => line === "    off")).toHaveLength(11);
    expect(lines(11, false).join("\n")).not.toContain("--all");
  });
});
