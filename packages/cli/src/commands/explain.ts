import { invalid } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderLines } from "../render/operation.ts";
import { parseNameOrId, type Session } from "../session.ts";
import { hasSpecFlags, type SpecFlags } from "../spec/spec-flags.ts";
import { decodeExplanation } from "../view/operation.ts";
import { required } from "../view/required.ts";
import { example } from "./flags.ts";
import { addRuleFlags, rulesOfFlags, type RuleFlags } from "./rule-flags.ts";
import { showPlan } from "./plan/kept.ts";
import type { GlobalOptions } from "../program.ts";
import type { Run } from "./run.ts";
import { addSpecFlags } from "./spec-flags.ts";
import { gatherSpec } from "./vm-create.ts";

interface ExplainOptions extends SpecFlags, RuleFlags {
  readonly host?: string;
  readonly whyNot?: string;
  readonly all?: boolean;
}

/** Stands in the spec of a VM that was given no name: nothing is created. */
const NAME_OF_NOTHING = "vm";

export function addExplainCommand(program: Command, run: Run): void {
  const explain = program.command("explain").description("why here, why nowhere");
  addRuleFlags(addSpecFlags(explain.command("vm")))
    .argument("[name]", "a VM that exists; without it the flags describe one that does not")
    .description("say which host the planner chose, or would choose, and why not the others")
    .option("--why-not <host>", "every check that this host fails")
    .option("--host <host>", "the same as --why-not")
    .addHelpText(
      "after",
      example(
        "muster explain vm web-1",
        "muster explain vm web-1 --why-not h2",
        "muster explain vm --cpus 64 --memory 512G --all",
      ),
    )
    .action((name: string | undefined, options: ExplainOptions, command: Command) => {
      const { all = false } = command.optsWithGlobals<GlobalOptions>();
      return run(command, (session) => explainVm(session, name, { ...options, all }));
    });
  explain
    .command("host")
    .argument("<host>", "name or id")
    .description("say what a host has room for, what holds it, and what keeps VMs off it")
    .addHelpText("after", example("muster explain host h1"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => explainHost(session, name)),
    );
  explain
    .command("plan")
    .argument("<plan>", "id, or its number")
    .description("say what a kept plan promises, and what has changed since it was made")
    .addHelpText("after", example("muster explain plan 7"))
    .action((id: string, _options, command: Command) =>
      run(command, (session) => showPlan(session, id, true)),
    );
}

async function explainHost({ admin, output }: Session, name: string): Promise<ExitCode> {
  const { lines, json } = await admin.call(AdminService.explainHost, {
    doing: `explain host ${name}`,
    request: { host: parseNameOrId(name, "host") },
  });
  output.show({
    data: JSON.parse(json) as unknown,
    names: [name],
    table: () => renderLines(lines),
  });
  return exitCodes.ok;
}

async function explainVm(
  session: Session,
  name: string | undefined,
  options: ExplainOptions,
): Promise<ExitCode> {
  const isDescribed = hasSpecFlags(options);
  const host = options.whyNot ?? options.host;
  if (name !== undefined && isDescribed) {
    throw invalid("explain vm", "give the name of a VM or flags that describe one, not both");
  }
  if (name === undefined && !isDescribed) {
    throw invalid("explain vm", "which VM?", "give its name, or --cpus, --memory and so on");
  }
  const spec =
    name === undefined
      ? await gatherSpec(session, options.file === undefined ? NAME_OF_NOTHING : undefined, options)
      : undefined;
  const answer = await session.admin.call(AdminService.explainVm, {
    doing: `explain VM ${name ?? spec?.name ?? ""}`,
    request: {
      vm: name === undefined ? "" : parseNameOrId(name, "vm"),
      spec,
      host: host === undefined ? "" : parseNameOrId(host, "--why-not"),
      all: options.all ?? false,
      rules: rulesOfFlags(options),
    },
  });
  const explanation = decodeExplanation(required(answer.explanation, "explanation"));
  session.output.show({
    data: explanation,
    names: [explanation.placed ? "placed" : "refused"],
    table: () => renderLines(explanation.lines),
  });
  return exitCodes.ok;
}
