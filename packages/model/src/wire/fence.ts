/** Fence devices and what fence agents are told. */
import { invalid } from "../errors.ts";
import { fieldAt, readLine } from "./fields.ts";

/** "fence_ipmilan": a program of the directory of fence agents, never a path. */
const AGENT = /^fence_[a-z0-9][a-z0-9_]{0,60}$/;
/** As fence agents name them in their metadata: "ip", "ssl_insecure", "shell-timeout". */
const PARAMETER = /^[A-Za-z][A-Za-z0-9_-]{0,60}$/;
const PARAMETERS_MAX = 64;
const VALUE_MAX = 4_096;
/** What muster gives the agent itself. */
const ours: ReadonlySet<string> = new Set(["action", "option"]);

export function parseFenceAgent(text: string, field: string): string {
  if (AGENT.test(text)) return text;
  throw invalid(
    field,
    `${JSON.stringify(text.slice(0, 80))} is not the name of a fence agent`,
    "write it as in: ls /usr/sbin/fence_*",
  );
}

export function readFenceParameters(
  wire: Readonly<Record<string, string>>,
  field: string,
): Readonly<Record<string, string>> {
  const entries = Object.entries(wire);
  if (entries.length > PARAMETERS_MAX) {
    throw invalid(
      field,
      `${String(entries.length)}, at most ${String(PARAMETERS_MAX)} are allowed`,
    );
  }
  for (const [name, value] of entries) {
    if (!PARAMETER.test(name)) {
      throw invalid(field, `${JSON.stringify(name.slice(0, 80))} is not the name of a parameter`);
    }
    const at = fieldAt(field, name.replaceAll("-", "_"));
    if (ours.has(name)) throw invalid(at, "is set by muster itself");
    // A line break would be another parameter on the agent's standard input.
    readLine(value, at, { max: VALUE_MAX });
  }
  return Object.fromEntries(entries);
}
