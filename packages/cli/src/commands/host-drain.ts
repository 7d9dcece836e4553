import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import { exitCodes } from "../exit-codes.ts";
import { renderLines } from "../render/operation.ts";
import { renderSection } from "../render/plan.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeHost } from "../view/host.ts";
import { required } from "../view/required.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface DrainOptions extends ChangeOptions, WaitOptions {
  readonly copyStorage?: boolean;
}

export function addHostDrain(host: Command, run: Run): void {
  addWaitFlags(addChangeFlags(host.command("drain")))
    .argument("<host>", "name or id")
    .description("cordon a host and move every running VM off it; nothing is powered off")
    .option("--copy-storage", "copy disks that are on local storage")
    .addHelpText(
      "after",
      example("muster host drain h1 --dry-run", 'muster host drain h1 --reason "new memory"'),
    )
    .action((name: string, options: DrainOptions, command: Command) =>
      run(command, (session) => drainHost(session, name, options)),
    );
  addChangeFlags(host.command("undrain"))
    .argument("<host>", "name or id")
    .description("stop draining a host, and allow VMs on it again; what has moved stays away")
    .addHelpText("after", example("muster host undrain h1"))
    .action((name: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => undrainHost(session, name, options)),
    );
}

async function drainHost(session: Session, name: string, options: DrainOptions): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.drainHost, {
    doing: `drain host ${name}`,
    request: {
      host: parseNameOrId(name, "host"),
      copyStorage: options.copyStorage ?? false,
      why: whyOf(options, session),
    },
  });
  const { plan, snapshotHash } = answer;
  if (options.dryRun === true) {
    const moves = plan === undefined ? "" : renderSection(plan, (text) => text);
    const lines = [`would cordon host ${name}, then:`, ...moves.trimEnd().split("\n")];
    return showDryRun(session, lines, { plan, snapshotHash });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { plan, snapshotHash },
    outcome: () => Promise.resolve({ sentence: `no VM runs on host ${name}`, data: {} }),
  });
}

async function undrainHost(
  session: Session,
  name: string,
  options: ChangeOptions,
): Promise<ExitCode> {
  const { admin, output } = session;
  const why = whyOf(options, session);
  const host = parseNameOrId(name, "host");
  const shown = await admin.call(AdminService.getHost, {
    doing: `show host ${name}`,
    request: { host },
  });
  const subject = `host/${decodeHost(required(shown.host, "host")).name}`;
  const { operations } = await admin.call(AdminService.listOperations, {
    doing: "list operations",
    request: { active: true, subject, limit: 0 },
  });
  const drains = operations.filter(({ type }) => type === "host-drain").map(({ id }) => id);
  const stopped = drains.map((id) => `drain ${id} starts no more moves`);
  if (options.dryRun === true) {
    return showDryRun(session, [...stopped, `host ${name} would be open for VMs`], { drains });
  }
  for (const id of drains) {
    await callChange(session, AdminService.cancelOperation, {
      doing: `cancel ${id}`,
      request: { id, why },
    });
  }
  const answer = await callChange(session, AdminService.setHostCordon, {
    doing: `uncordon host ${name}`,
    request: { host, cordoned: false, why },
  });
  const open = decodeHost(required(answer.host, "host"));
  output.show({
    data: { host: open, cancelledDrains: drains },
    names: [open.name],
    table: () => renderLines([...stopped, `host ${open.name} is open for VMs`]),
  });
  return exitCodes.ok;
}
