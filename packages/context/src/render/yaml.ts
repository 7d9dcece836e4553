/**
 * YAML in block style, its texts as JSON's strings: YAML's double-quoted style has all of JSON's escapes, so a text can
 * become neither a number, nor a key, nor a second document. What lies outside of ASCII is written as an escape, but for
 * characters beyond 16 bits, which YAML takes as they are and reads wrongly as two escapes.
 */

export type YamlValue =
  string | number | boolean | readonly YamlValue[] | { readonly [name: string]: YamlValue };

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

export const quoteYaml = (text: string): string =>
  JSON.stringify(text).replaceAll(/[\u007f-\ud7ff\ue000-\uffff]/g, escaped);

/** Names that YAML's older version does not take for something else. */
const PLAIN_KEY = /^[a-z][a-z0-9]*([_-][a-z0-9]+)*$/;
const WORDS = new Set(["y", "n", "yes", "no", "on", "off", "true", "false", "null"]);

const keyOf = (name: string): string =>
  PLAIN_KEY.test(name) && !WORDS.has(name) ? name : quoteYaml(name);

const isList = (value: YamlValue): value is readonly YamlValue[] => Array.isArray(value);

/** Ends with a line feed. */
export const renderYaml = (value: { readonly [name: string]: YamlValue }): string =>
  linesOf(value).join("\n") + "\n";

function linesOf(value: YamlValue): readonly string[] {
  if (typeof value === "string") return [quoteYaml(value)];
  if (typeof value !== "object") return [String(value)];
  if (isList(value)) return value.length === 0 ? ["[]"] : value.flatMap(itemLines);
  const entries = Object.entries(value);
  if (entries.length === 0) return ["{}"];
  return entries.flatMap(([name, inner]) => {
    const lines = linesOf(inner);
    const isFlat = typeof inner !== "object" || lines[0] === "[]" || lines[0] === "{}";
    if (isFlat) return [`${keyOf(name)}: ${lines[0] ?? ""}`];
    return [`${keyOf(name)}:`, ...lines.map((line) => `  ${line}`)];
  });
}

const itemLines = (item: YamlValue): readonly string[] =>
  linesOf(item).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`));
