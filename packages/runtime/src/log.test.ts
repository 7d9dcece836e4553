import { MusterError } from "@muster/model";
import { describe, expect, it } from "vitest";
import { createLogger, type LogLevel } from "./log.ts";

describe("logger", () => {
  const collect = (level: LogLevel = "info") => {
    const lines: string[] = [];
    const logger = createLogger({
      name: "test",
      level,
      destination: { write: (line) => lines.push(line) },
    });
    const records = (): Record<string, unknown>[] =>
      lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return { logger, lines, records };
  };

  it("writes one line of JSON with fixed names", () => {
    const { logger, records } = collect();
    logger.child({ hostId: "h" }).info({ vmId: "v", from: "a", to: "b" }, "vm state changed");
    logger.debug({}, "not at this level");
    expect(records()).toEqual([
      {
        level: "info",
        name: "test",
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        hostId: "h",
        vmId: "v",
        from: "a",
        to: "b",
        msg: "vm state changed",
      },
    ]);
  });

  it("keeps secrets to itself", () => {
    const { logger, lines } = collect();
    const secrets = {
      secret: "xyzzy",
      joinString: "xyzzy",
      privateKey: "xyzzy",
      token: "xyzzy",
      password: "xyzzy",
    };
    logger.info({ ...secrets, request: secrets }, "enrolled");
    logger.child(secrets).info({}, "enrolled");
    expect(lines.join("")).not.toContain("xyzzy");
    expect(lines.join("")).toContain("[redacted]");
  });

  it("writes errors with their causes and without what libraries attach", () => {
    const { logger, records } = collect();
    const cause = Object.assign(new Error("ECONNRESET"), {
      code: "ECONNRESET",
      socket: { key: "xyzzy" },
    });
    logger.error(
      { err: new MusterError("unreachable", "failed to reach h1", { cause }) },
      "session lost",
    );
    expect(records()[0]?.["err"]).toMatchObject({
      type: "MusterError",
      code: "unreachable",
      message: "failed to reach h1",
      cause: { type: "Error", message: "ECONNRESET", code: "ECONNRESET" },
    });
    expect(JSON.stringify(records())).not.toContain("xyzzy");
  });
});
