/** `muster host return`: the VMs whose home a host is come back to it. */
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderLines } from "../render/operation.ts";
import { renderSection } from "../render/plan.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface ReturnOptions extends ChangeOptions, WaitOptions {
  readonly uncordon?: boolean;
  readonly copyStorage?: boolean;
}

export function addHostReturn(host: Command, run: Run): void {
  addWaitFlags(addChangeFlags(host.command("return")))
    .argument("<host>", "name or id")
    .description("bring back the VMs that a drain took from a host, and those whose home it is")
    .option("--uncordon", "allow VMs on it again first")
    .option("--copy-storage", "copy disks that are on local storage")
    .addHelpText("after", example("muster host return h1 --uncordon"))
    .action((name: string, options: ReturnOptions, command: Command) =>
      run(command, (session) => returnHost(session, name, options)),
    );
}

async function returnHost(
  session: Session,
  name: string,
  options: ReturnOptions,
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.returnHost, {
    doing: `bring VMs back to host ${name}`,
    request: {
      host: parseNameOrId(name, "host"),
      uncordon: options.uncordon ?? false,
      copyStorage: options.copyStorage ?? false,
      why: whyOf(options, session),
    },
  });
  const { plan, planId, operation } = answer;
  const moves = plan === undefined ? "" : renderSection(plan, (text) => text);
  if (options.dryRun === true) {
    return showDryRun(session, moves.trimEnd().split("\n"), { plan });
  }
  if (operation === undefined) {
    session.output.show({
      data: { host: name, plan },
      names: [],
      table: () => renderLines(["no VM has to come back", ...moves.trimEnd().split("\n")]),
    });
    return exitCodes.ok;
  }
  return finishOperation(session, {
    operation,
    options,
    data: { plan, planId },
    outcome: () => {
      const stays = (plan?.stuck ?? []).map(({ vm }) => vm);
      const but = stays.length === 0 ? "" : `, but for ${stays.join(", ")}`;
      return Promise.resolve({ sentence: `the VMs of host ${name} are back${but}`, data: {} });
    },
  });
}
