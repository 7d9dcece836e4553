import { MusterError } from "@muster/model";
import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { listenWhenPossible } from "./late-listener.ts";

const missing = new MusterError("wrong-state", "failed to listen", {
  cause: Object.assign(new Error("listen"), { code: "EADDRNOTAVAIL" }),
});

function setting(failures: readonly Error[]) {
  const clock = new SimulatedClock();
  const left = [...failures];
  const seen: string[] = [];
  const open = async () => {
    const failure = left.shift();
    if (failure !== undefined) throw failure;
    seen.push("open");
    return {
      close: async () => {
        seen.push("closed");
      },
    };
  };
  const log = { warn: () => seen.push("warned") };
  return { clock, seen, open, parts: { clock, log } as never };
}

describe("listenWhenPossible", () => {
  it("listens at once where the host has the address", async () => {
    const { open, parts, seen } = setting([]);
    const late = await listenWhenPossible(open, parts);
    expect(late.now).toBeDefined();
    await late[Symbol.asyncDispose]();
    expect(seen).toEqual(["open", "closed"]);
  });

  it("starts without it, and listens when the host has it", async () => {
    const { open, parts, seen, clock } = setting([missing, missing]);
    const late = await listenWhenPossible(open, parts);
    expect(late.now).toBeUndefined();
    await clock.runFor(2_000);
    expect(seen).toEqual(["warned", "open"]);
    expect(late.now).toBeDefined();
    await late[Symbol.asyncDispose]();
    expect(seen.at(-1)).toBe("closed");
  });

  it("is stopped while it waits", async () => {
    const { open, parts, seen, clock } = setting(Array.from({ length: 9 }, () => missing));
    const late = await listenWhenPossible(open, parts);
    await clock.runFor(3_000);
    await late[Symbol.asyncDispose]();
    expect(seen).toEqual(["warned"]);
  });

  it("fails for any other reason", async () => {
    const { open, parts } = setting([new Error("the port is taken")]);
    await expect(listenWhenPossible(open, parts)).rejects.toThrow("the port is taken");
  });
});
