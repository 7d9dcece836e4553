import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderHost, renderHosts, renderHostsWide } from "../render/host.ts";
import { renderLines } from "../render/operation.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeHost } from "../view/host.ts";
import { required } from "../view/required.ts";
import { decodeVm } from "../view/vm.ts";
import { parseName } from "@muster/model";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, durationOf, example } from "./flags.ts";
import { addHostDrain } from "./host-drain.ts";
import { addHostReturn } from "./host-return.ts";
import { addHostSet } from "./host-set.ts";
import { addHostFence } from "./host-fence.ts";
import { addHostInterfaces } from "./host-interfaces.ts";
import { showHostNetwork } from "./host-network.ts";
import type { Run } from "./run.ts";

interface InviteOptions extends ChangeOptions {
  /** Milliseconds. */
  readonly valid?: number;
}

interface RemoveOptions extends ChangeOptions {
  readonly forgetVms?: boolean;
}

export function addHostCommands(program: Command, run: Run): void {
  const host = program
    .command("host")
    .description("hosts: list, invite, describe, close, drain, open, remove");

  host
    .command("ls")
    .description("list hosts with what is claimed of them")
    .addHelpText("after", example("muster host ls", "muster host ls -o wide"))
    .action((_options, command: Command) => run(command, listHosts));
  host
    .command("show")
    .argument("<host>", "name or id")
    .description("show one host: inventory, networks, VMs")
    .addHelpText("after", example("muster host show h1"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showHost(session, name)),
    );
  host
    .command("network")
    .argument("<host>", "name or id")
    .description("show what a host has of networks, what it should have, and the difference")
    .addHelpText("after", example("muster host network h1"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showHostNetwork(session, name)),
    );
  addHostInterfaces(host, run);
  addChangeFlags(host.command("invite"))
    .argument("<name>", "name the host will have")
    .description("make a join string for one host; it is shown once")
    .option("--valid <duration>", "how long it can be used (default: 1h)", durationOf("--valid"))
    .addHelpText("after", example("muster host invite h4 --valid 10m"))
    .action((name: string, options: InviteOptions, command: Command) =>
      run(command, (session) => inviteHost(session, name, options)),
    );
  addChangeFlags(host.command("cordon"))
    .argument("<host>", "name or id")
    .description("place no more VMs on a host; those there run on")
    .addHelpText("after", example('muster host cordon h1 --reason "new memory on Tuesday"'))
    .action((name: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => cordonHost(session, name, { ...options, cordoned: true })),
    );
  addChangeFlags(host.command("uncordon"))
    .argument("<host>", "name or id")
    .description("allow VMs on a host again")
    .addHelpText("after", example("muster host uncordon h1"))
    .action((name: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => cordonHost(session, name, { ...options, cordoned: false })),
    );
  addHostDrain(host, run);
  addHostReturn(host, run);
  addHostSet(host, run);
  addHostFence(host, run);
  addChangeFlags(host.command("remove"))
    .argument("<host>", "name or id")
    .description("forget a host for good: its identity can do nothing any more")
    .option("--forget-vms", "forget the VMs placed there too; without it they stop the removal")
    .addHelpText("after", example('muster host remove h3 --reason "returned to the vendor"'))
    .action((name: string, options: RemoveOptions, command: Command) =>
      run(command, (session) => removeHost(session, name, options)),
    );
}

async function listHosts({ admin, output }: Session): Promise<ExitCode> {
  const answer = await admin.call(AdminService.listHosts, { doing: "list hosts", request: {} });
  const hosts = answer.hosts.map(decodeHost);
  output.show({
    data: hosts,
    names: hosts.map(({ name }) => name),
    table: (paint) => renderHosts(hosts, paint),
    wide: (paint) => renderHostsWide(hosts, paint),
  });
  return exitCodes.ok;
}

async function showHost({ admin, output, surroundings }: Session, name: string): Promise<ExitCode> {
  const request = { host: parseNameOrId(name, "host") };
  const answer = await admin.call(AdminService.getHost, { doing: `show host ${name}`, request });
  const host = decodeHost(required(answer.host, "host"));
  const vms = answer.vms.map(decodeVm);
  output.show({
    data: { ...host, vms },
    names: [host.name],
    table: (paint) => renderHost({ host, vms }, surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}

async function inviteHost(
  session: Session,
  name: string,
  options: InviteOptions,
): Promise<ExitCode> {
  const validSeconds = options.valid === undefined ? 0 : Math.ceil(options.valid / 1_000);
  const answer = await callChange(session, AdminService.inviteHost, {
    doing: `invite host ${name}`,
    request: { name: parseName(name, "host"), validSeconds, why: whyOf(options, session) },
  });
  if (options.dryRun === true) {
    return showDryRun(session, [`would invite host ${name}`], { host: name });
  }
  const { joinString, expiresAt } = answer;
  session.output.show({
    data: { host: name, joinString, expiresAt },
    names: [joinString],
    table: () => renderLines([joinString]),
  });
  if (!session.output.isForTools) {
    session.output.note(
      `on ${name}, as root: muster-agent join JOIN_STRING (the line above; once, until ${expiresAt})`,
    );
  }
  return exitCodes.ok;
}

async function cordonHost(
  session: Session,
  name: string,
  options: ChangeOptions & { readonly cordoned: boolean },
): Promise<ExitCode> {
  const { cordoned } = options;
  const answer = await callChange(session, AdminService.setHostCordon, {
    doing: `${cordoned ? "cordon" : "uncordon"} host ${name}`,
    request: { host: parseNameOrId(name, "host"), cordoned, why: whyOf(options, session) },
  });
  const host = decodeHost(required(answer.host, "host"));
  const change = cordoned ? "cordoned: no new VMs are placed there" : "open for VMs";
  if (options.dryRun === true) {
    return showDryRun(session, [`host ${host.name} would be ${change}`], { host });
  }
  session.output.show({
    data: host,
    names: [host.name],
    table: () => renderLines([`host ${host.name} is ${change}`]),
  });
  return exitCodes.ok;
}

async function removeHost(
  session: Session,
  name: string,
  options: RemoveOptions,
): Promise<ExitCode> {
  const { forgottenVms } = await callChange(session, AdminService.removeHost, {
    doing: `remove host ${name}`,
    request: {
      host: parseNameOrId(name, "host"),
      forgetVms: options.forgetVms ?? false,
      why: whyOf(options, session),
    },
  });
  const forgotten = forgottenVms.length === 0 ? "" : `, and with it ${forgottenVms.join(", ")}`;
  if (options.dryRun === true) {
    return showDryRun(session, [`would forget host ${name}${forgotten}`], { forgottenVms });
  }
  session.output.show({
    data: { host: name, forgottenVms },
    names: [name],
    table: () => renderLines([`host ${name} is forgotten${forgotten}`]),
  });
  return exitCodes.ok;
}
