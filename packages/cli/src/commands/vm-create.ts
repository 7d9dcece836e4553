import { invalid, parseName } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { VmSpec } from "@muster/proto/types";
import { Option, type Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { completeSpec } from "../spec/partial-spec.ts";
import { specOfFlags, withImage, type SpecFlags } from "../spec/spec-flags.ts";
import { decodeExplanation } from "../view/operation.ts";
import { decodeVm } from "../view/vm.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addContextFlags, contextOfFlags, type ContextFlags } from "./context-flags.ts";
import { addChangeFlags, addWaitOption, example } from "./flags.ts";
import { addRuleFlags, rulesOfFlags, type RuleFlags } from "./rule-flags.ts";
import type { Run } from "./run.ts";
import { addSpecFlags, loadSpecFile } from "./spec-flags.ts";
import { untilConfigured } from "./vm-context.ts";
import { vmOutcome } from "./vm-outcome.ts";

interface CreateOptions extends SpecFlags, RuleFlags, ChangeOptions, WaitOptions, ContextFlags {
  readonly wait?: true | "configured";
  readonly host?: string;
  readonly claim?: string;
  readonly stopped?: boolean;
}

export function addVmCreate(vm: Command, run: Run): void {
  const create = vm
    .command("create")
    .argument("[name]", "name of the VM; may stand in the file instead")
    .description("create a VM: place it, define it, start it");
  const wait = new Option(
    "--wait [configured]",
    "wait until the operation ends (default), or until the guest says that it is configured",
  ).choices(["configured"]);
  addWaitOption(addContextFlags(addChangeFlags(addRuleFlags(addSpecFlags(create)))), wait)
    .option("--host <host>", "only there (default: the best host)")
    .option("--claim <name>", "take the room of this claim: muster claim ls")
    .option("--image <name[:version]>", "what the first disk is made of: muster image ls")
    .option("--stopped", "do not start it")
    .addHelpText(
      "after",
      example(
        "muster vm create web-1 --cpus 2 --memory 2G --disk storage=shared,size=10G,base=debian-13 --network blue",
        "muster vm create web-2 --memory 2G --image debian-13 --disk storage=local,size=20G",
        "muster vm create -f web-1.yaml --dry-run",
        "muster vm create web-2 --disk storage=shared,size=10G,base=debian-13 --network blue \\\n      --context web.yaml --ssh-key ~/.ssh/id_ed25519.pub --wait configured",
      ),
    )
    .action((name: string | undefined, options: CreateOptions, command: Command) =>
      run(command, (session) => createVm(session, name, options)),
    );
}

/** What the file says, then what the flags say, then the name on the command line. */
export async function gatherSpec(
  session: Session,
  name: string | undefined,
  flags: SpecFlags,
): Promise<VmSpec> {
  const file =
    flags.file === undefined ? {} : await loadSpecFile(flags.file, session.surroundings.stdin);
  const spec = completeSpec([file, specOfFlags(flags), name === undefined ? {} : { name }]);
  return withImage(spec, flags.image);
}

async function createVm(
  session: Session,
  name: string | undefined,
  options: CreateOptions,
): Promise<ExitCode> {
  const spec = await gatherSpec(session, name, options);
  const context = await contextOfFlags(options, session.surroundings.stdin);
  checkWait(options, context);
  const answer = await callChange(session, AdminService.createVm, {
    doing: `create VM ${spec.name}`,
    request: {
      spec,
      stopped: options.stopped ?? false,
      host: options.host === undefined ? "" : parseNameOrId(options.host, "--host"),
      why: whyOf(options, session),
      rules: rulesOfFlags(options),
      claim: options.claim === undefined ? "" : parseName(options.claim, "--claim"),
      ...(context === "" ? {} : { context }),
    },
  });
  const explanation =
    answer.explanation === undefined ? undefined : decodeExplanation(answer.explanation);
  if (options.dryRun === true) {
    const vm = answer.vm === undefined ? undefined : decodeVm(answer.vm);
    const where = vm === undefined || vm.host === "" ? "" : ` on ${vm.host}`;
    const lines = [`would create VM ${spec.name}${where}`, ...(explanation?.lines ?? [])];
    return showDryRun(session, lines, { vm, explanation });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { explanation },
    outcome: async () => {
      if (options.wait !== "configured") return vmOutcome(session, spec.name);
      const view = await untilConfigured(session, spec.name, options.waitTimeout);
      const { sentence, data } = await vmOutcome(session, spec.name);
      return { sentence: `${sentence} and configured`, data: { ...data, context: view } };
    },
  });
}

function checkWait({ wait, stopped }: CreateOptions, context: string): void {
  if (wait !== "configured") return;
  if (context === "") {
    const hint = "give it a context: --context, --ssh-key or --user-data";
    throw invalid(
      "--wait configured",
      "this VM's guest is told nothing, so it reports nothing",
      hint,
    );
  }
  if (stopped === true)
    throw invalid("--wait configured", "a VM that stays stopped is not configured");
}
