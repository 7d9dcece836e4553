import { systemClock } from "@muster/runtime";
import { expect, it } from "vitest";
import { systemReverseNames } from "./system-reverse-names.ts";

it("names of addresses are those of this machine's resolver", async () => {
  expect(await systemReverseNames(systemClock).nameOf("127.0.0.1")).toBe("localhost");
});
