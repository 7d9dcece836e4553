import * as fc from "fast-check";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { hostileText } from "../testing/contexts.ts";
import { renderYaml, type YamlValue } from "./yaml.ts";

const value: fc.Arbitrary<YamlValue> = fc.letrec<{ value: YamlValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    hostileText,
    fc.integer(),
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(hostileText, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

it("comes back as it was", () => {
  fc.assert(
    fc.property(value, (each) => {
      expect(parse(renderYaml({ root: each }), { maxAliasCount: 0 })).toStrictEqual({ root: each });
    }),
  );
});

it("writes what people read", () => {
  const text = renderYaml({ version: 2, list: [{ a: "x", b: [] }, "y: z"], no: "off", "a b": {} });
  expect(text).toBe(
    'version: 2\nlist:\n  - a: "x"\n    b: []\n  - "y: z"\n"no": "off"\n"a b": {}\n',
  );
});
