import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  commandIdOf,
  operationIdFrom,
  parseCommandId,
  parseHostId,
  parseOperationId,
  parseVmId,
  uuidFromBytes,
  uuidToBytes,
} from "./ids.ts";

describe("UUIDs", () => {
  it("go to bytes and back", () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(uuidFromBytes(uuidToBytes(uuid), "id")).toBe(uuid);
      }),
    );
  });

  it("are lower case", () => {
    expect(parseVmId("ABCDEF00-0000-4000-8000-000000000000")).toBe(
      "abcdef00-0000-4000-8000-000000000000",
    );
  });

  it.each(["", "web-1", "abcdef00-0000-4000-8000-00000000000", "abcdef00000040008000000000000000"])(
    "%j is none",
    (text) => {
      expect(() => parseHostId(text)).toThrow(/^host id: .*is not a UUID$/);
    },
  );
});

describe("operation ids", () => {
  it("sort by age as text", () => {
    fc.assert(
      fc.property(fc.nat({ max: 36 ** 6 - 2 }), (number) => {
        const [older, newer] = [operationIdFrom(number), operationIdFrom(number + 1)];
        expect(older < newer).toBe(true);
        expect(parseOperationId(older)).toBe(older);
      }),
    );
  });

  it.each(["", "op-", "op-abc", "OP-000001", "op-00000A", "000001", "op-000001 "])(
    "%j is none",
    (text) => {
      expect(() => parseOperationId(text)).toThrow("does not look like op-0000abcd");
    },
  );
});

describe("command ids", () => {
  it("name operation, step and attempt", () => {
    const id = commandIdOf(operationIdFrom(7), "move-guest", 2);
    expect(id).toBe("op-000007/move-guest/2");
    expect(parseCommandId(id)).toBe(id);
  });

  it.each(["", "op-000007/move-guest", "op-000007/Move/1", "op-000007/../1", "op-000007/a/1/2"])(
    "%j is none",
    (text) => {
      expect(() => parseCommandId(text)).toThrow("is not operation/step/attempt");
    },
  );
});
