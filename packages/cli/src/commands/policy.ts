/** `muster policy …`: what holds for the whole cluster. */
import { invalid, parseWord } from "@muster/model";
import { AdminService, type EnvironmentRule } from "@muster/proto/admin";
import { Option, type Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderPolicy } from "../render/rule.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { required } from "../view/required.ts";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, countOf, durationOf, example, repeated } from "./flags.ts";
import type { Run } from "./run.ts";

interface SetOptions extends ChangeOptions {
  readonly survive?: { readonly level: string; readonly count: number };
  readonly topology?: readonly string[];
  readonly allow?: readonly EnvironmentRule[];
  readonly rebalance?: string;
  readonly period?: number;
  readonly minGain?: number;
  readonly startAbove?: number;
  readonly hold?: number;
  readonly cooldown?: number;
  readonly movesPerDay?: number;
  readonly movesPerPlan?: number;
}

/** "rack=1", "host=2", "none". */
function parseSurvive(text: string): { readonly level: string; readonly count: number } {
  if (text === "none") return { level: "", count: 0 };
  const [level = "", count = "1"] = text.split("=");
  if (!/^[1-9]\d{0,2}$/.test(count))
    throw invalid("--survive", `"${text}"`, "write host=1 or none");
  return { level: parseWord(level, "--survive"), count: Number(count) };
}

/** "PRD=PRD,DEV"; "PRD=" goes back to the same name only. */
function parseAllow(text: string): EnvironmentRule {
  const at = text.indexOf("=");
  if (at < 0) throw invalid("--allow", `"${text}"`, "write HOSTS=VMS,VMS: PRD=PRD,DEV");
  const vms = text.slice(at + 1);
  return {
    host: parseWord(text.slice(0, at), "--allow"),
    vms: vms === "" ? [] : vms.split(",").map((vm) => parseWord(vm, "--allow")),
  };
}

function parseNumber(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text)) return value;
    throw invalid(flag, `"${text}" is not a number`);
  };
}

export function addPolicyCommands(program: Command, run: Run): void {
  const policy = program
    .command("policy")
    .description("what holds for the whole cluster: losses to survive, environments, rebalancing");
  policy
    .command("show")
    .description("show the policy, how rebalancing stands, and which losses would not be survived")
    .addHelpText("after", example("muster policy show"))
    .action((_options, command: Command) => run(command, showPolicy));
  const set = addChangeFlags(policy.command("set")).description("change the policy");
  addPlacementFlags(set);
  addRebalanceFlags(set)
    .addHelpText(
      "after",
      example(
        "muster policy set --survive host=1",
        "muster policy set --rebalance partial --min-gain 0.2 --moves-per-day 50",
      ),
    )
    .action((options: SetOptions, command: Command) =>
      run(command, (session) => setPolicy(session, options)),
    );
}

const addPlacementFlags = (command: Command): Command =>
  command
    .option("--survive <level=n>", "keep room for any N losses: host=1, rack=1; none", parseSurvive)
    .option("--topology <a/b/c>", "levels of failure domains, outermost first", (text) =>
      text.split("/").map((level) => parseWord(level, "--topology")),
    )
    .option(
      "--allow <hosts=vms,vms>",
      "VMs of which environments may run on hosts of one; repeat",
      repeated(parseAllow),
    );

const addRebalanceFlags = (command: Command): Command =>
  command
    .addOption(
      new Option("--rebalance <automation>", "what may be done about uneven hosts").choices([
        "off",
        "shadow",
        "manual",
        "partial",
        "full",
      ]),
    )
    .option("--period <duration>", "between looks", durationOf("--period"))
    .option("--min-gain <share>", "of the score, 0 to 1", parseNumber("--min-gain"))
    .option("--start-above <score>", "below it nothing is proposed", parseNumber("--start-above"))
    .option("--hold <n>", "looks in a row that must find a plan", countOf("--hold"))
    .option("--cooldown <duration>", "a VM that moved stays so long", durationOf("--cooldown"))
    .option("--moves-per-day <n>", "migrations in 24 hours", parseNumber("--moves-per-day"))
    .option("--moves-per-plan <n>", "moves of one plan", countOf("--moves-per-plan"));

async function showPolicy({ admin, output }: Session): Promise<ExitCode> {
  const answer = await admin.call(AdminService.getPolicy, {
    doing: "show the policy",
    request: {},
  });
  const policy = required(answer.policy, "policy");
  output.show({
    data: { ...policy, rebalanceStatus: answer.rebalance, broken: answer.broken },
    names: [],
    table: (paint) =>
      renderPolicy(policy, answer.rebalance, paint) +
      answer.broken.map((line) => `${paint(`not survived now: ${line}`, "bad")}\n`).join(""),
  });
  return exitCodes.ok;
}

async function setPolicy(session: Session, options: SetOptions): Promise<ExitCode> {
  const { survive, topology } = options;
  const { policy } = await callChange(session, AdminService.setPolicy, {
    doing: "change the policy",
    request: {
      surviveLevel: survive?.level,
      surviveCount: survive?.count ?? 0,
      topologyLevels: topology === undefined ? undefined : { names: [...topology] },
      environments: [...(options.allow ?? [])],
      automation: options.rebalance,
      periodMs: options.period,
      gainMin: options.minGain,
      startAbove: options.startAbove,
      holdPasses: options.hold,
      cooldownMs: options.cooldown,
      movesPerDayMax: options.movesPerDay,
      movesPerPlanMax: options.movesPerPlan,
      why: whyOf(options, session),
    },
  });
  const now = required(policy, "policy");
  if (options.dryRun === true) {
    const text = renderPolicy(now, undefined, (plain) => plain);
    return showDryRun(session, ["would be:", ...text.trimEnd().split("\n")], { policy: now });
  }
  session.output.show({
    data: now,
    names: [],
    table: (paint) => renderPolicy(now, undefined, paint),
  });
  return exitCodes.ok;
}
