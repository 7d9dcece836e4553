import { expect, it } from "vitest";
import { splitAtEscape } from "./escape.ts";

it.each([
  ["ls\r", "ls\r", false],
  ["ls\r\u001dquit", "ls\r", true],
  ["\u001d", "", true],
  ["", "", false],
])("%j", (typed, forGuest, isLeaving) => {
  const { bytes, ...rest } = splitAtEscape(Buffer.from(typed));
  expect(Buffer.from(bytes).toString()).toBe(forGuest);
  expect(rest.isLeaving).toBe(isLeaving);
});
