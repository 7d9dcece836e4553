/** host fence: switch a host off, say that it is off, and set the devices that do it. */
import { readFile } from "node:fs/promises";
import { invalid, MusterError } from "@muster/model";
import { AdminService, type FenceDevice } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderDevices, renderFenceAnswers } from "../render/fence.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeHost } from "../view/host.ts";
import { required } from "../view/required.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example, repeated } from "./flags.ts";
import type { Run } from "./run.ts";

interface FenceOptions extends ChangeOptions, WaitOptions {
  readonly iConfirmItIsOff?: boolean;
  readonly force?: boolean;
}

interface SetOptions extends ChangeOptions {
  readonly agent?: string;
  readonly secretFile?: readonly Pair[];
  readonly via?: string;
  readonly add?: boolean;
  readonly none?: boolean;
}

interface Pair {
  readonly name: string;
  readonly value: string;
}

export function addHostFence(host: Command, run: Run): void {
  const fence = addWaitFlags(addChangeFlags(host.command("fence")))
    .argument("<host>", "name or id")
    .description("make certain that a host is off, and restart its VMs elsewhere")
    .option("--i-confirm-it-is-off", "you have seen that it is off; no device is asked")
    .option("--force", "switch it off although its agent is connected")
    .addHelpText(
      "after",
      example("muster host fence h1", "muster host fence h1 --i-confirm-it-is-off"),
    )
    .action((name: string, options: FenceOptions, command: Command) =>
      run(command, (session) => fenceHost(session, name, options)),
    );
  addChangeFlags(fence.command("set"))
    .argument("<host>", "name or id")
    .argument("[parameters...]", "of the fence agent, as name=value")
    .description("say how a host's power is switched off")
    .option("--agent <name>", "fence agent of the distribution: fence_ipmilan, fence_redfish, ...")
    .option(
      "--secret-file <name=path>",
      "a secret parameter, read from a file; repeat for more",
      repeated(parsePair),
    )
    .option("--via <host>", "the agent of this host runs it (default: the coordinator)")
    .option("--add", "after the devices that are set (default: in their place)")
    .option("--none", "it has none any more")
    .addHelpText(
      "after",
      example(
        "muster host fence set h1 --agent fence_ipmilan ip=192.0.2.11 username=admin lanplus=1 --secret-file password=/root/h1.ipmi",
      ),
    )
    .action((name: string, parameters: readonly string[], options: SetOptions, self: Command) =>
      run(self, (session) => setFence(session, { name, parameters }, options)),
    );
  fence
    .command("test")
    .argument("<host>", "name or id")
    .description("ask the devices for the state of its power; nothing is switched")
    .addHelpText("after", example("muster host fence test h1"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => testFence(session, name)),
    );
  fence
    .command("show")
    .argument("<host>", "name or id")
    .description("show the devices; secrets are not shown")
    .addHelpText("after", example("muster host fence show h1"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showFence(session, name)),
    );
}

function parsePair(text: string): Pair {
  const at = text.indexOf("=");
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) };
  throw invalid("parameter", `"${text.slice(0, 60)}" is not name=value`);
}

async function fenceHost(session: Session, name: string, options: FenceOptions): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.fenceHost, {
    doing: `fence host ${name}`,
    request: {
      host: parseNameOrId(name, "host"),
      confirmedOff: options.iConfirmItIsOff ?? false,
      force: options.force ?? false,
      why: whyOf(options, session),
    },
  });
  if (options.dryRun === true) {
    const { notes } = answer;
    return showDryRun(session, notes, { notes });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { notes: answer.notes },
    outcome: () =>
      Promise.resolve({ sentence: `host ${name} is off and its VMs are looked after`, data: {} }),
  });
}

const devicesOf = async ({ admin }: Session, name: string): Promise<readonly FenceDevice[]> => {
  const host = parseNameOrId(name, "host");
  const answer = await admin.call(AdminService.getHost, {
    doing: `show host ${name}`,
    request: { host },
  });
  return required(answer.host, "host").fenceDevices;
};

async function setFence(
  session: Session,
  what: { readonly name: string; readonly parameters: readonly string[] },
  options: SetOptions,
): Promise<ExitCode> {
  const { name, parameters } = what;
  const kept = options.add === true ? await devicesOf(session, name) : [];
  const added = options.none === true ? [] : [await deviceFrom(parameters, options)];
  const answer = await callChange(session, AdminService.setHostFence, {
    doing: `set the fence devices of host ${name}`,
    request: {
      host: parseNameOrId(name, "host"),
      devices: [...kept, ...added],
      why: whyOf(options, session),
    },
  });
  const host = decodeHost(required(answer.host, "host"));
  if (options.dryRun === true) {
    const shown = [...kept, ...added].map(({ agent }) => `would set ${agent}`);
    return showDryRun(session, shown, { host });
  }
  session.output.show({
    data: host.fenceDevices,
    names: host.fenceDevices.map(({ agent }) => agent),
    table: (paint) => renderDevices(host.fenceDevices, paint),
  });
  return exitCodes.ok;
}

async function deviceFrom(
  texts: readonly string[],
  { agent, secretFile = [], via }: SetOptions,
): Promise<FenceDevice> {
  if (agent === undefined) throw invalid("--agent", "is required", "for example fence_ipmilan");
  const open = texts.map(parsePair);
  const secret = await Promise.all(secretFile.map(readSecret));
  return {
    agent,
    parameters: Object.fromEntries([...open, ...secret].map(({ name, value }) => [name, value])),
    secrets: secret.map(({ name }) => name),
    viaHost: via === undefined ? "" : parseNameOrId(via, "--via"),
  };
}

/** A file, because what stands in an argument list is seen by everybody on the machine. */
async function readSecret({ name, value: path }: Pair): Promise<Pair> {
  try {
    return { name, value: (await readFile(path, "utf8")).replace(/\r?\n$/, "") };
  } catch (cause) {
    throw new MusterError("invalid", `--secret-file: cannot read ${path}`, { cause });
  }
}

async function testFence({ admin, output }: Session, name: string): Promise<ExitCode> {
  const { answers } = await admin.call(AdminService.testHostFence, {
    doing: `test the fence devices of host ${name}`,
    request: { host: parseNameOrId(name, "host") },
  });
  output.show({
    data: answers,
    names: answers.map(({ power }) => power),
    table: (paint) => renderFenceAnswers(answers, paint),
  });
  const isGood = answers.every(({ problem, power }) => problem === "" && power !== "");
  return isGood ? exitCodes.ok : exitCodes.failed;
}

async function showFence(session: Session, name: string): Promise<ExitCode> {
  const devices = await devicesOf(session, name);
  session.output.show({
    data: devices,
    names: devices.map(({ agent }) => agent),
    table: (paint) => renderDevices(devices, paint),
  });
  return exitCodes.ok;
}
