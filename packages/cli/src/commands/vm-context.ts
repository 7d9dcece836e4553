/** `muster vm context …`: what a guest was told, and how far its first boot is. */
import { MusterError } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { logLines, renderContext } from "../render/context.ts";
import { parseNameOrId, type Session } from "../session.ts";
import { decodeContext, type ContextView } from "../view/context.ts";
import { example } from "./flags.ts";
import type { Run } from "./run.ts";

export function addVmContext(vm: Command, run: Run): void {
  vm.command("context")
    .description("what guests are told about themselves at boot")
    .command("show")
    .argument("<vm>", "name or id")
    .description("show what the guest was told, without secrets, and how far its first boot is")
    .addHelpText("after", example("muster vm context show web-1"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showContext(session, name)),
    );
}

async function ask({ admin }: Session, vm: string): Promise<ContextView> {
  const question = { doing: `show the context of VM ${vm}`, request: { vm } };
  return decodeContext(vm, await admin.call(AdminService.getVmContext, question));
}

async function showContext(session: Session, name: string): Promise<ExitCode> {
  const view = await ask(session, parseNameOrId(name, "vm"));
  session.output.show({
    data: view,
    names: [view.vm],
    table: (paint) => renderContext(view, paint),
  });
  return exitCodes.ok;
}

/** How often a guest that boots is looked at. */
const LOOK_MS = 1_000;

/** Until the guest has said that it is configured. Throws when it is not, with the end of its log. */
export async function untilConfigured(
  session: Session,
  vm: string,
  limitMs: number | undefined,
): Promise<ContextView> {
  const { surroundings, output } = session;
  const stop = new AbortController();
  const forget = surroundings.onInterrupt(() => {
    stop.abort(new MusterError("cancelled", `stopped waiting; VM ${vm} goes on`));
  });
  const untilMs = limitMs === undefined ? Infinity : surroundings.clock.now() + limitMs;
  let told = 0;
  try {
    for (;;) {
      const view = await ask(session, vm);
      for (const { stage, state } of view.stages.slice(told)) {
        output.note(`first boot of ${vm}: ${stage} settings ${state}`);
      }
      told = view.stages.length;
      if (view.state === "configured") return view;
      if (view.problem !== "") throw notConfigured(view);
      if (surroundings.clock.now() >= untilMs) throw stillWaiting(view);
      await surroundings.clock.sleep(LOOK_MS, stop.signal);
    }
  } finally {
    forget();
  }
}

function notConfigured(view: ContextView): MusterError {
  const code = view.state === "timed-out" ? "timeout" : "interrupted";
  return new MusterError(code, `VM ${view.vm} runs, and is not configured: ${view.problem}`, {
    reasons: logLines(view).slice(-20),
    hint: `see: muster vm context show ${view.vm}, muster vm console ${view.vm}`,
  });
}

function stillWaiting(view: ContextView): MusterError {
  const last = view.stages.at(-1);
  const where = last === undefined ? "has not reported" : `is in its ${last.stage} settings`;
  return new MusterError("timeout", `VM ${view.vm} runs, and its guest ${where}; it goes on`, {
    reasons: logLines(view).slice(-20),
    hint: `look again: muster vm context show ${view.vm}`,
  });
}
