/** `muster vm set`: where a VM may run and belongs. */
import { invalid, parseWord } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderLines } from "../render/operation.ts";
import { ruleWords } from "../render/rule.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { required } from "../view/required.ts";
import { decodeVm } from "../view/vm.ts";
import { addChangeFlags, example, repeated } from "./flags.ts";
import { addRuleFlags, rulesOfFlags, type RuleFlags } from "./rule-flags.ts";
import type { Run } from "./run.ts";

type SetOptions = RuleFlags & ChangeOptions;

export function addVmSet(vm: Command, run: Run): void {
  addChangeFlags(addRuleFlags(vm.command("set")))
    .argument("<vm>", "name or id")
    .description("say where a VM may run and where it belongs; nothing is moved for it")
    .option(
      "--leave-group <group>",
      "leave a group; repeat for more",
      repeated((text) => parseWord(text, "--leave-group")),
    )
    .addHelpText(
      "after",
      example(
        "muster vm set web-1 --home h1 --priority 10",
        "muster vm set db-1 --group db --environment PRD --host-label ssd=yes",
        "muster vm set db-1 --pin none --leave-group db",
      ),
    )
    .action((name: string, options: SetOptions, command: Command) =>
      run(command, (session) => setRules(session, name, options)),
    );
}

async function setRules(session: Session, name: string, options: SetOptions): Promise<ExitCode> {
  const change = rulesOfFlags(options);
  if (change === undefined) throw invalid("vm set", "nothing to set", "see: muster vm set --help");
  const answer = await callChange(session, AdminService.setVmRules, {
    doing: `set the rules of VM ${name}`,
    request: { vm: parseNameOrId(name, "vm"), change, why: whyOf(options, session) },
  });
  const vm = decodeVm(required(answer.vm, "vm"));
  const { broken } = answer;
  const words = vm.rules === undefined ? [] : ruleWords(vm.rules);
  const would = options.dryRun === true ? "would be" : "is";
  const lines = [
    `VM ${vm.name} ${would} ${words.length === 0 ? "free to run anywhere" : `bound: ${words.join(", ")}`}`,
    ...broken.map((line) => `not so now: ${line}`),
    ...(options.dryRun === true ? ["nothing was changed (dry run)"] : []),
  ];
  session.output.show({
    data: { ...vm, broken, ...(options.dryRun === true ? { dryRun: true } : {}) },
    names: [vm.name],
    table: () => renderLines(lines),
  });
  return exitCodes.ok;
}
