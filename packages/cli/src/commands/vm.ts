import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderVm, renderVms, renderVmsWide } from "../render/vm.ts";
import { parseNameOrId, type Session } from "../session.ts";
import { exportVms } from "./export-vms.ts";
import { required } from "../view/required.ts";
import { decodeVm } from "../view/vm.ts";
import { example } from "./flags.ts";
import type { Run } from "./run.ts";
import { addVmChanges } from "./vm-change.ts";
import { addVmConsole } from "./vm-console.ts";
import { addVmContext } from "./vm-context.ts";
import { addVmCreate } from "./vm-create.ts";
import { addVmMigrate } from "./vm-migrate.ts";
import { addVmSet } from "./vm-set.ts";

interface ListOptions {
  readonly wild?: boolean;
  readonly host?: string;
}

export function addVmCommands(program: Command, run: Run): void {
  const vm = program.command("vm").description("VMs: create, list, change, migrate, console");
  addVmCreate(vm, run);
  vm.command("ls")
    .description("list VMs with their state and host")
    .option("--wild", "show wild VMs too: domains muster does not manage")
    .option("--host <host>", "only those on this host")
    .addHelpText("after", example("muster vm ls", "muster vm ls --wild --host h1 -o wide"))
    .action((options: ListOptions, command: Command) =>
      run(command, (session) => listVms(session, options)),
    );
  vm.command("show")
    .argument("<vm>", "name or id")
    .description("show one VM")
    .addHelpText("after", example("muster vm show web-1", "muster vm show web-1 -o yaml"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showVm(session, name)),
    );
  addVmChanges(vm, run);
  addVmSet(vm, run);
  addVmMigrate(vm, run);
  addVmConsole(vm, run);
  addVmContext(vm, run);
}

async function listVms(session: Session, options: ListOptions): Promise<ExitCode> {
  const { admin, output, surroundings } = session;
  const question = {
    doing: "list VMs",
    request: {
      includeWild: options.wild ?? false,
      host: options.host === undefined ? "" : parseNameOrId(options.host, "--host"),
    },
  };
  if (output.format === "json" && (await exportVms(session, question))) return exitCodes.ok;
  const answer = await admin.call(AdminService.listVms, question);
  const vms = answer.vms.map(decodeVm);
  const now = surroundings.clock.wall();
  output.show({
    data: vms,
    names: vms.map(({ name }) => name),
    table: (paint) => renderVms(vms, now, paint),
    wide: (paint) => renderVmsWide(vms, now, paint),
  });
  return exitCodes.ok;
}

/** Wild VMs may have any name libvirt allows, so the name is not checked here. */
async function showVm({ admin, output, surroundings }: Session, name: string): Promise<ExitCode> {
  const question = { doing: `show VM ${name}`, request: { vm: name } };
  const answer = await admin.call(AdminService.getVm, question);
  const vm = decodeVm(required(answer.vm, "vm"));
  output.show({
    data: vm,
    names: [vm.name],
    table: (paint) => renderVm(vm, surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}
