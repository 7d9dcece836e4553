import * as fc from "fast-check";
import { expect, it } from "vitest";
import { bytesOf, toBase64 } from "../bytes.ts";
import { parseReportLine, REPORT_LINE_MAX } from "./parse-report.ts";

it("reads a guest's line", () => {
  const tail = toBase64(bytesOf("installing\nfailed: \u001b[31mno\u0007 network\n"));
  expect(parseReportLine(`MUSTER1 2 individual failed 100 ${tail}`)).toStrictEqual({
    number: 2,
    stage: "individual",
    state: "failed",
    exitCode: 100,
    logTail: "installing\nfailed: ?[31mno? network\n",
  });
});

it.each([
  "",
  "hello",
  "MUSTER2 1 individual done 0 -",
  "MUSTER1 0 individual done 0 -",
  "MUSTER1 99 individual done 0 -",
  "MUSTER1 1 other done 0 -",
  "MUSTER1 1 individual happy 0 -",
  "MUSTER1 1 individual done x -",
  `MUSTER1 1 individual done 0 ${"A".repeat(REPORT_LINE_MAX)}`,
])("leaves out %j", (line) => {
  expect(parseReportLine(line)).toBeUndefined();
});

it("is safe with anything a guest may send", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 3_000 }), (line) => {
      const read = parseReportLine(`MUSTER1 1 individual done 0 ${line}`);
      expect(read === undefined || read.logTail.length <= REPORT_LINE_MAX).toBe(true);
    }),
  );
});
