import { causeText, isMusterError, type MusterError } from "@muster/model";
import { describe, expect, it } from "vitest";
import { processRunner } from "./command-runner.ts";

async function failureOf(promise: Promise<unknown>): Promise<MusterError> {
  try {
    await promise;
  } catch (error) {
    if (isMusterError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("processRunner", () => {
  it("answers what the program printed, and takes arguments as they are", async () => {
    const printed = await processRunner.run(["printf", "%s|", "two words", "$HOME; exit 3", "*"]);
    expect(printed).toBe("two words|$HOME; exit 3|*|");
  });

  it("finds programs of the system whatever PATH says", async () => {
    expect(await processRunner.run(["ip", "-V"])).toMatch(/iproute2/);
  });

  it("rejects with the command line, and the program's words as the cause", async () => {
    const error = await failureOf(processRunner.run(["ls", "/no/such/place"]));
    expect(error.code).toBe("network-failed");
    expect(error.message).toBe("failed: ls /no/such/place");
    expect(causeText(error)).toMatch(/No such file or directory/);
  });

  it("gives the exit code of a program that said nothing", async () => {
    const error = await failureOf(processRunner.run(["sh", "-c", "exit 3"]));
    expect(causeText(error)).toBe("exit code 3");
  });

  it("says that a program is not installed, and what to do", async () => {
    const error = await failureOf(processRunner.run(["no-such-program", "x"]));
    expect(error.message).toBe("cannot run no-such-program: there is no such program");
    expect(error.hint).toMatch(/install/);
  });

  it("kills a program that does not end", async () => {
    const error = await failureOf(processRunner.run(["sleep", "600"], { timeoutMs: 50 }));
    expect(error.message).toBe("no end after 50 ms: sleep 600");
  });
});
