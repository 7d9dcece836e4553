/** The flags that say where a VM may run and belongs, for `vm create`, `vm set`, `claim create` and questions. */
import { invalid, parseName, parseWord } from "@muster/model";
import type { Label, VmRulesChange } from "@muster/proto/admin";
import type { Command } from "commander";
import { parseNameOrId } from "../session.ts";
import { repeated } from "./flags.ts";

export interface RuleFlags {
  readonly group?: readonly string[];
  readonly leaveGroup?: readonly string[];
  readonly hostLabel?: readonly Label[];
  readonly pin?: readonly string[];
  readonly environment?: string;
  readonly pool?: string;
  readonly tenant?: string;
  readonly priority?: number;
  readonly home?: string;
}

/** "ssd=yes"; "ssd=" takes it away. */
export function parseLabel(text: string, flag: string): Label {
  const at = text.indexOf("=");
  if (at < 0) throw invalid(flag, `"${text}" is not NAME=VALUE`, "NAME= takes a label away");
  const value = text.slice(at + 1);
  return {
    name: parseName(text.slice(0, at), flag),
    value: value === "" ? "" : parseWord(value, flag),
  };
}

/** "none" takes away what was said before. */
export const wordOrNone = (flag: string) => (text: string) =>
  text === "none" ? "" : parseWord(text, flag);

/** A name or id of a host, or "none". */
const hostOrNone = (flag: string) => (text: string) =>
  text === "none" ? "" : parseNameOrId(text, flag);

export function parseInteger(text: string, flag: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw invalid(flag, `"${text}" is not a whole number`);
}

export const addRuleFlags = (command: Command): Command =>
  command
    .option("--group <group>", "a group that rules speak of; repeat for more", repeated(word))
    .option("--host-label <name=value>", "only on hosts with this label; repeat", repeated(label))
    .option("--pin <host>", "only on this host; repeat for more; none to allow all", repeated(pin))
    .option("--environment <word>", "only on hosts that allow it: PRD", wordOrNone("--environment"))
    .option("--pool <pool>", "only on hosts of this pool", wordOrNone("--pool"))
    .option("--tenant <tenant>", "only on hosts this tenant may use", wordOrNone("--tenant"))
    .option("--priority <n>", "larger is more important (default: 0)", (text) =>
      parseInteger(text, "--priority"),
    )
    .option("--home <host>", "where it belongs when nothing is wrong", hostOrNone("--home"));

const word = (text: string): string => parseWord(text, "--group");
const label = (text: string): Label => parseLabel(text, "--host-label");
const pin = hostOrNone("--pin");

/** Undefined: no flag of these was given. */
export function rulesOfFlags(flags: RuleFlags): VmRulesChange | undefined {
  const {
    group,
    leaveGroup,
    hostLabel,
    pin: pins,
    environment,
    pool,
    tenant,
    priority,
    home,
  } = flags;
  const isGiven = [group, leaveGroup, hostLabel, pins, environment, pool, tenant, priority, home];
  if (isGiven.every((flag) => flag === undefined)) return undefined;
  return {
    addGroups: [...(group ?? [])],
    removeGroups: [...(leaveGroup ?? [])],
    hostLabels: [...(hostLabel ?? [])],
    pinnedTo: pins === undefined ? undefined : { names: pins.filter((name) => name !== "") },
    environment,
    pool,
    tenant,
    priority,
    home,
  };
}
