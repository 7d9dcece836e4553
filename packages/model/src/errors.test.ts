import { describe, expect, it } from "vitest";
import { causeText, detailOf, errorFrom, invalid, isErrorCode, MusterError } from "./errors.ts";

describe("errors", () => {
  it("tell what was done, why it failed and what to do", () => {
    const cause = new Error("unable to connect", { cause: new Error("ECONNREFUSED") });
    const error = new MusterError("hypervisor-failed", "failed to start vm web-1 on host h1", {
      cause,
      hint: "is libvirtd running?",
      reasons: ["one"],
    });
    expect(detailOf(error)).toStrictEqual({
      code: "hypervisor-failed",
      message: "failed to start vm web-1 on host h1",
      cause: "unable to connect: ECONNREFUSED",
      hint: "is libvirtd running?",
      reasons: ["one"],
    });
  });

  it("survive being sent", () => {
    const detail = detailOf(invalid("vm.cpus", "0 is too few", "use 1"));
    expect(detailOf(errorFrom(detail))).toStrictEqual(detail);
    const withCause = { ...detail, cause: "because" };
    expect(detailOf(errorFrom(withCause))).toStrictEqual(withCause);
  });

  it("that are not ours are bugs", () => {
    expect(detailOf(new TypeError("x is undefined"))).toMatchObject({
      code: "internal",
      message: "x is undefined",
    });
    expect(detailOf("text").message).toBe("text");
  });

  it("end where a chain of causes is a loop", () => {
    const error = new Error("outer");
    error.cause = error;
    expect(causeText(error).split(": ")).toHaveLength(8);
    expect(causeText(new Error("x", { cause: "text" }))).toBe("text");
    expect(causeText(new Error("x", { cause: { odd: 1 } }))).toBe("a thrown object");
    expect(causeText("not an error")).toBe("");
  });

  it("have a closed table of codes", () => {
    expect(isErrorCode("busy")).toBe(true);
    expect(isErrorCode("toString")).toBe(false);
  });
});
