/** Whole contexts with one interesting field each, and strings that want to be more than data. */
import * as fc from "fast-check";
import type { Context, ContextSubject } from "../context.ts";
import { parseContext } from "../parse/parse-context.ts";

export const aContext = (document: object = {}): Context => parseContext(document);

export const aSubject = (change: Partial<ContextSubject> = {}): ContextSubject => ({
  id: "6f1c1a52-0c4c-4d6e-9a51-3f2b6f1d0a01",
  name: "web-1",
  nics: [
    {
      mac: "02:6d:00:00:00:01",
      mtu: 1500,
      addresses: [
        { address: "10.1.0.5", prefixLength: 24, gateway: "10.1.0.1" },
        { address: "2001:db8:1::5", prefixLength: 64, gateway: "2001:db8:1::1" },
      ],
      dns: ["10.1.0.2"],
      search: ["example.org"],
    },
    { mac: "02:6d:00:00:00:02", mtu: 9000, addresses: [], dns: [], search: [] },
  ],
  ...change,
});

const pieces = [
  ..."'\"`$\\!#&;|<>(){}[]*?~ \t%=:,-@",
  ...["$(touch owned)", "`touch owned`", "'; touch owned; '", '"; touch owned; "', "\n", "\n\n"],
  ...[
    "EOF",
    "--==muster-context==--",
    "#cloud-config",
    "&amp;",
    "<!--",
    "]]>",
    "{{ x }}",
    "${HOME}",
  ],
  ...[
    "yes",
    "null",
    "~",
    "0600",
    "- a",
    "? b",
    "!!python/object",
    "é",
    "💥",
    "\u0085",
    "\u2028",
    "\ufeff",
  ],
  ...["\\n", "\\001", "%s", "%n", "\u00a0"],
];

/** What the door lets through: no control characters but tab and line feed. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "grapheme", maxLength: 4 })), {
    maxLength: 12,
  })
  .map((parts) => parts.join(""))

  .filter((text) => text.isWellFormed() && !/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text));
