/**
 * Writes src/protocol/generated/ from codegen/facts/. Run by hand when libvirt's version changes:
 *
 *     node codegen/generate.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConstantFacts, ProtocolFacts } from "./facts.ts";
import { renderEnums, renderErrorNames, renderFlags } from "./render-constants.ts";
import { renderProtocol } from "./render-protocol.ts";

const facts = <T>(name: string): T =>
  JSON.parse(readFileSync(join(import.meta.dirname, "facts", name), "utf8")) as T;

/** File name → text of everything that is generated. */
export function generate(): ReadonlyMap<string, string> {
  const constants = facts<ConstantFacts>("constants.json");
  return new Map([
    ...renderProtocol(facts<ProtocolFacts>("protocol.json")),
    ["flags.ts", renderFlags(constants)],
    ["enums.ts", renderEnums(constants)],
    ["error-names.ts", renderErrorNames(constants)],
  ]);
}

export const generatedDirectory = join(import.meta.dirname, "../src/protocol/generated");

if (process.argv[1] === import.meta.filename) {
  for (const [name, text] of generate()) writeFileSync(join(generatedDirectory, name), text);
}
