/** A VM's policy of high availability, from a flag or from a file. PURE. */
import {
  HA_PRIORITY_DEFAULT,
  HA_PRIORITY_MAX,
  HA_RESTARTS_MAX_MAX,
  HA_WINDOW_MS_MAX,
  invalid,
} from "@muster/model";
import { HaRestart, type HaPolicy } from "@muster/proto/types";
import { parseDurationMs } from "../duration.ts";
import { Fields, parseCount, type Names } from "./fields.ts";
import { parsePairs } from "./pairs.ts";

const restarts: Readonly<Record<string, HaRestart>> = {
  never: HaRestart.NEVER,
  "on-failure": HaRestart.ON_FAILURE,
  always: HaRestart.ALWAYS,
};

const parts = ["restart", "priority", "restarts", "window", "isolation", "autostart"] as const;
type Part = (typeof parts)[number];

/** "restart=on-failure,priority=200,restarts=3,window=1h,isolation=run"; "none": the cluster leaves it alone. */
export function parseHaFlag(text: string): HaPolicy {
  if (text === "none") return policyFrom(() => undefined, "--ha");
  const pairs = parsePairs(text, "--ha", parts);
  return policyFrom((part) => pairs.get(part), "--ha");
}

const fileNames: Readonly<Record<Part, Names>> = {
  restart: ["restart"],
  priority: ["priority"],
  restarts: ["restarts", "restartsMax"],
  window: ["window", "windowSeconds"],
  isolation: ["isolation"],
  autostart: ["autostart"],
};

/** `ha:` of a spec file. What `vm show` prints under it can be given back. */
export function readHa(value: unknown, path: string): HaPolicy {
  const shown: Names = ["runWhenIsolated"];
  const fields = new Fields(value, path, [...Object.values(fileNames), shown]);
  const isolation = fields.scalar(shown) === "true" ? "run" : undefined;
  return policyFrom((part) => {
    const given = fields.scalar(fileNames[part]);
    // As the wire has them: 0 means the default there, and restart is a number.
    if (part === "restart" && given !== undefined) return wordOf(given);
    if ((part === "restarts" || part === "window") && given === "0") return undefined;
    return part === "isolation" ? (isolation ?? given) : given;
  }, path);
}

const wordOf = (given: string): string =>
  Object.keys(restarts).find((word) => String(restarts[word]) === given) ?? given;

function policyFrom(given: (part: Part) => string | undefined, field: string): HaPolicy {
  const at = (part: Part): string => `${field} ${part}`;
  const count = (part: Part, max: number): number | undefined => {
    const text = given(part);
    if (text === undefined) return undefined;
    const number = text === "0" ? 0 : parseCount(text, at(part));
    if (number <= max) return number;
    throw invalid(at(part), `"${text}" is more than ${String(max)}`);
  };
  const word = (part: Part, words: readonly string[]): string => {
    const text = given(part) ?? words[0] ?? "";
    if (words.includes(text)) return text;
    throw invalid(at(part), `"${text}" is not one of ${words.join(", ")}`);
  };
  const window = given("window");
  const windowMs = window === undefined ? 0 : parseDurationMs(window, at("window"));
  if (windowMs > HA_WINDOW_MS_MAX) throw invalid(at("window"), `"${window ?? ""}" is too long`);
  return {
    restart: restarts[word("restart", Object.keys(restarts))] ?? HaRestart.NEVER,
    priority: count("priority", HA_PRIORITY_MAX) ?? HA_PRIORITY_DEFAULT,
    restartsMax: count("restarts", HA_RESTARTS_MAX_MAX) ?? 0,
    windowSeconds: Math.ceil(windowMs / 1_000),
    runWhenIsolated: word("isolation", ["stop", "run"]) === "run",
    autostart: ["yes", "true"].includes(word("autostart", ["no", "yes", "false", "true"])),
  };
}
