/** `muster rule …`: how the members of groups stand to each other. */
import { invalid, parseName, parseWord } from "@muster/model";
import { AdminService, RuleMode, type GroupRule, type RuleView } from "@muster/proto/admin";
import { Option, type Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { loadManifests } from "../manifest/load.ts";
import { renderLines } from "../render/operation.ts";
import { describeRule, renderRule, renderRules } from "../render/rule.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { required } from "../view/required.ts";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, countOf, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface CreateOptions extends ChangeOptions {
  readonly file?: string;
  readonly replace?: boolean;
  readonly group?: string;
  readonly spread?: boolean;
  readonly pack?: boolean;
  readonly level?: string;
  readonly max?: number;
  readonly preferred?: boolean;
}

export function addRuleCommands(program: Command, run: Run): void {
  const rule = program
    .command("rule")
    .description("rules of VM groups: apart or together, over hosts, racks, sites");
  addChangeFlags(rule.command("create"))
    .argument("[name]", "name of the rule; with -f the file has it")
    .description("make a rule; one that cannot hold together with others is refused with the pair")
    .option("-f, --file <path>", "rules in YAML or JSON, - for stdin: kind: rule, name, group, ...")
    .option("--replace", "instead of the rule of that name, if there is one")
    .option("--group <group>", "the VMs it speaks of: muster vm set VM --group GROUP", (text) =>
      parseWord(text, "--group"),
    )
    .addOption(new Option("--spread", "apart: at most --max in one domain").conflicts("pack"))
    .addOption(new Option("--pack", "together: all in one domain").conflicts("spread"))
    .option("--level <level>", "host, or a level of the topology: rack (default: host)", (text) =>
      parseWord(text, "--level"),
    )
    .option("--max <n>", "with --spread, members in one domain (default: 1)", countOf("--max"))
    .option("--preferred", "a wish, not a must")
    .addHelpText(
      "after",
      example(
        "muster rule create db-apart --group db --spread --level rack",
        "muster rule create web-near --group web --pack --level row --preferred",
        "muster rule create -f rules.yaml --dry-run",
      ),
    )
    .action((name: string | undefined, options: CreateOptions, command: Command) =>
      run(command, (session) => createRules(session, name, options)),
    );
  rule
    .command("ls")
    .description("list rules, and whether they are kept")
    .addHelpText("after", example("muster rule ls"))
    .action((_options, command: Command) => run(command, listRules));
  rule
    .command("show")
    .argument("<rule>", "name")
    .description("show one rule with its members")
    .addHelpText("after", example("muster rule show db-apart"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showRule(session, name)),
    );
  addChangeFlags(rule.command("rm"))
    .argument("<rule>", "name")
    .description("forget a rule")
    .addHelpText("after", example("muster rule rm db-apart"))
    .action((name: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => removeRule(session, name, options)),
    );
}

async function createRules(
  session: Session,
  name: string | undefined,
  options: CreateOptions,
): Promise<ExitCode> {
  const rules = await rulesAskedFor(session, name, options);
  const views: RuleView[] = [];
  const lines: string[] = [];
  for (const rule of rules) {
    const answer = await callChange(session, AdminService.createRule, {
      doing: `create rule ${rule.name}`,
      request: { rule, replace: options.replace ?? false, why: whyOf(options, session) },
    });
    const view = required(answer.rule, "rule");
    const would = options.dryRun === true ? "would make " : "";
    views.push(view);
    lines.push(`${would}rule ${rule.name}: ${describeRule(view.rule ?? rule)}`);
    lines.push(...view.broken.map((line) => `not so now: ${line}`));
  }
  const [first] = views;
  const isOne = options.file === undefined && first !== undefined;
  if (options.dryRun === true) {
    return showDryRun(session, lines, isOne ? { rule: first } : { rules: views });
  }
  session.output.show({
    data: isOne ? dataOf(first) : views.map(dataOf),
    names: rules.map((rule) => rule.name),
    table: () => renderLines(lines),
  });
  return exitCodes.ok;
}

async function rulesAskedFor(
  session: Session,
  name: string | undefined,
  options: CreateOptions,
): Promise<readonly GroupRule[]> {
  const { file, spread = false, pack = false, group, level, max, preferred } = options;
  if (file !== undefined) {
    if (name !== undefined || spread || pack || group !== undefined) {
      throw invalid("rule create", "give -f or a name with flags, not both");
    }
    const manifests = await loadManifests(file, session.surroundings.stdin);
    return manifests.map(({ wanted, where }) => {
      if (wanted.kind === "rule") return wanted.spec;
      throw invalid(where, `is a ${wanted.kind}, not a rule`, "for all kinds: muster apply -f");
    });
  }
  if (name === undefined) throw invalid("rule create", "which name?", "give it, or -f FILE");
  if (group === undefined) throw invalid("--group", "is required: of which VMs?", "--group db");
  if (!spread && !pack) throw invalid("rule create", "apart or together?", "--spread or --pack");
  return [
    {
      name: parseName(name, "rule"),
      group,
      mode: spread ? RuleMode.SPREAD : RuleMode.PACK,
      preferred: preferred ?? false,
      level: level ?? "host",
      max: max ?? 0,
    },
  ];
}

/** Field names are those of `-o json`: a contract with scripts. */
const dataOf = ({ rule, members, broken, createdAt }: RuleView) => ({
  name: rule?.name,
  group: rule?.group,
  mode: rule?.mode === RuleMode.PACK ? "pack" : "spread",
  strength: rule?.preferred === true ? "preferred" : "required",
  level: rule?.level,
  ...(rule?.mode === RuleMode.SPREAD ? { max: rule.max } : {}),
  members,
  broken,
  createdAt,
});

async function listRules({ admin, output }: Session): Promise<ExitCode> {
  const request = { name: "" };
  const { rules } = await admin.call(AdminService.listRules, { doing: "list rules", request });
  output.show({
    data: rules.map(dataOf),
    names: rules.map(({ rule }) => rule?.name ?? ""),
    table: (paint) => renderRules(rules, paint),
  });
  return exitCodes.ok;
}

async function showRule({ admin, output, surroundings }: Session, name: string): Promise<ExitCode> {
  const { rules } = await admin.call(AdminService.listRules, {
    doing: `show rule ${name}`,
    request: { name: parseName(name, "rule") },
  });
  const view = required(rules[0], "rule");
  output.show({
    data: dataOf(view),
    names: [name],
    table: (paint) => renderRule(view, surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}

async function removeRule(
  session: Session,
  name: string,
  options: ChangeOptions,
): Promise<ExitCode> {
  await callChange(session, AdminService.deleteRule, {
    doing: `remove rule ${name}`,
    request: { name: parseName(name, "rule"), why: whyOf(options, session) },
  });
  if (options.dryRun === true) return showDryRun(session, [`would forget rule ${name}`], { name });
  session.output.show({
    data: { name, removed: true },
    names: [name],
    table: () => renderLines([`rule ${name} is forgotten`]),
  });
  return exitCodes.ok;
}
