/** `-o json` and `-o yaml`. PURE. */
import { plainBigint } from "@muster/model";
import { stringify } from "yaml";

/**
 * Values as every JSON reader can take them: a bigint becomes a number while that is exact, else a string;
 * `undefined` fields vanish; bytes become base64.
 */
export function toPlain(value: unknown): unknown {
  if (typeof value === "bigint") return plainBigint(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => [name, toPlain(inner)]),
  );
}

export const renderJson = (value: unknown): string =>
  `${JSON.stringify(toPlain(value), undefined, 2)}\n`;

export const renderJsonLine = (value: unknown): string => `${JSON.stringify(toPlain(value))}\n`;

export const renderYaml = (value: unknown): string =>
  stringify(toPlain(value), { aliasDuplicateObjects: false, lineWidth: 0 });
