import { invalid, parseName, parseSize, parseWord } from "@muster/model";
import {
  RuleMode,
  type GroupRule,
  type PlanHostResize,
  type PlanResize,
  type PlanSurvive,
  type PlanWhatIf,
} from "@muster/proto/admin";
import type { Command } from "commander";
import { parseNameOrId } from "../../session.ts";
import { parseCount } from "../../spec/fields.ts";
import { countOf, example, repeated } from "../flags.ts";
import type { Run } from "../run.ts";
import { addAskFlags, ask, type AskOptions } from "./ask.ts";

interface WhatIfOptions extends AskOptions {
  readonly lose?: readonly string[];
  readonly addHosts?: number;
  readonly like?: string;
  readonly loseDomain?: readonly string[];
  readonly resize?: readonly PlanResize[];
  readonly resizeHost?: readonly PlanHostResize[];
  readonly setRule?: readonly GroupRule[];
  readonly removeRule?: readonly string[];
  readonly survive?: PlanSurvive;
  readonly cpus?: number;
  readonly memory?: bigint;
}

export function addWhatIf(plan: Command, run: Run): void {
  addAskFlags(plan.command("what-if"))
    .description(
      "what would be if hosts were lost or added, VMs or hosts had another size, or rules were others",
    )
    .option(
      "--lose <host>",
      "this host is gone; repeat for more",
      repeated((text) => parseNameOrId(text, "--lose")),
    )
    .option(
      "--lose-domain <LEVEL=NAME|PATH>",
      "this rack, row or site is gone: rack=r7, paris/row-2; repeat for more",
      repeated((text) => text),
    )
    .option("--add-hosts <n>", "so many hosts more, with --like", countOf("--add-hosts"))
    .option("--like <host>", "the host they are like", (text) => parseNameOrId(text, "--like"))
    .option(
      "--resize <VM[,cpus=N][,memory=SIZE]>",
      "this VM has another size; repeat for more",
      repeated(parseResize),
    )
    .option(
      "--resize-host <HOST[,cpus=N][,memory=SIZE]>",
      "this host has another size; repeat for more",
      repeated(parseHostResize),
    )
    .option(
      "--set-rule <NAME,group=GROUP,spread|pack[,level=LEVEL][,max=N][,preferred]>",
      "this group rule holds, new or instead of the one of that name; repeat for more",
      repeated(parseRule),
    )
    .option(
      "--remove-rule <rule>",
      "this group rule is gone; repeat for more",
      repeated((text) => parseName(text, "--remove-rule")),
    )
    .option(
      "--survive <[LEVEL=]N>",
      "any so many hosts, or domains of a level, may be lost at once: 1, rack=1; 0: none",
      parseSurvive,
    )
    .option("--cpus <n>", "with --memory: count such VMs before and after", countOf("--cpus"))
    .option("--memory <size>", "with --cpus: 4G", (text) => parseSize(text, "--memory"))
    .addHelpText(
      "after",
      example(
        "muster plan what-if --lose h1 --lose h2",
        "muster plan what-if --add-hosts 2 --like h1 --cpus 2 --memory 4G",
        "muster plan what-if --resize db-1,memory=64G",
        "muster plan what-if --lose-domain rack=r7",
        "muster plan what-if --set-rule db-apart,group=db,spread,level=rack --survive rack=1",
      ),
    )
    .action((options: WhatIfOptions, command: Command) =>
      run(command, async (session) =>
        ask(session, { $case: "whatIf", value: whatIfOf(options) }, options),
      ),
    );
}

const whatIfOf = (options: WhatIfOptions): PlanWhatIf => ({
  lose: [...(options.lose ?? [])],
  addHosts: options.addHosts ?? 0,
  like: options.like ?? "",
  loseDomains: [...(options.loseDomain ?? [])],
  resize: [...(options.resize ?? [])],
  resizeHosts: [...(options.resizeHost ?? [])],
  setRules: [...(options.setRule ?? [])],
  removeRules: [...(options.removeRule ?? [])],
  survive: options.survive,
  shape: shapeOf(options),
});

function shapeOf({ cpus, memory }: WhatIfOptions) {
  if (cpus === undefined && memory === undefined) return undefined;
  if (cpus === undefined || memory === undefined) {
    throw invalid("what-if", "--cpus and --memory are given together");
  }
  return { cpus, memoryBytes: memory };
}

/** "db-1,cpus=8,memory=64G" */
export function parseResize(text: string): PlanResize {
  const { name, ...size } = parseSized(text, "--resize");
  return { vm: name, ...size };
}

function parseHostResize(text: string): PlanHostResize {
  const { name, ...size } = parseSized(text, "--resize-host");
  return { host: name, ...size };
}

function parseSized(text: string, flag: string) {
  const [name = "", ...changes] = text.split(",");
  const resize = { name: parseNameOrId(name, flag), cpus: 0, memoryBytes: 0n };
  for (const change of changes) {
    const [key = "", value = ""] = change.split("=");
    if (key === "cpus") resize.cpus = parseCount(value, `${flag} cpus`);
    else if (key === "memory") resize.memoryBytes = parseSize(value, `${flag} memory`);
    else throw invalid(flag, `unknown part "${change}"`, "write NAME,cpus=8,memory=64G");
  }
  if (changes.length > 0) return resize;
  throw invalid(flag, `"${text}" changes nothing`, "write NAME,cpus=8,memory=64G");
}

/** "db-apart,group=db,spread,level=rack,max=2,preferred" */
export function parseRule(text: string): GroupRule {
  const flag = "--set-rule";
  const [name = "", ...parts] = text.split(",");
  const rule = {
    name: parseName(name, flag),
    group: "",
    mode: RuleMode.UNSPECIFIED as RuleMode,
    preferred: false,
    level: "host",
    max: 0,
  };
  for (const part of parts) {
    const [key = "", value = ""] = part.split("=");
    if (key === "group") rule.group = parseWord(value, `${flag} group`);
    else if (key === "level") rule.level = parseWord(value, `${flag} level`);
    else if (key === "max") rule.max = parseCount(value, `${flag} max`);
    else if (part === "spread") rule.mode = RuleMode.SPREAD;
    else if (part === "pack") rule.mode = RuleMode.PACK;
    else if (part === "preferred") rule.preferred = true;
    else throw invalid(flag, `unknown part "${part}"`, RULE_EXAMPLE);
  }
  if (rule.group === "") throw invalid(flag, "of which group?", RULE_EXAMPLE);
  if (rule.mode === RuleMode.UNSPECIFIED) throw invalid(flag, "spread or pack?", RULE_EXAMPLE);
  return rule;
}

const RULE_EXAMPLE = "write NAME,group=db,spread,level=rack,max=1";

/** "1", "rack=1", "0" */
function parseSurvive(text: string): PlanSurvive {
  const [first = "", second] = text.split("=");
  if (second === undefined) return { level: "host", count: parseCount(first, "--survive") };
  return { level: parseWord(first, "--survive"), count: parseCount(second, "--survive") };
}
