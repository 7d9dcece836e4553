/** `muster host interfaces`: a host's own bonds, bridges and addresses. */
import { differences, MusterError, parseName } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { HostInterfacesSpec, InterfaceObservation } from "@muster/proto/types";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderLines } from "../render/operation.ts";
import { renderYaml } from "../render/serialize.ts";
import { renderTable } from "../render/table.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { hostInterfacesView, parseHostInterfaces } from "../spec/host-interfaces.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example } from "./flags.ts";
import type { Run } from "./run.ts";
import { readTextFile } from "./spec-flags.ts";

interface SetOptions extends ChangeOptions, WaitOptions {
  readonly file: string;
  readonly overrideProtected?: boolean;
}

export function addHostInterfaces(host: Command, run: Run): void {
  const interfaces = host
    .command("interfaces")
    .description("a host's own bonds, bridges and addresses: set, show");
  addWaitFlags(addChangeFlags(interfaces.command("set")))
    .argument("<host>", "name; it need not be enrolled yet")
    .requiredOption("-f, --file <path>", "all of them in YAML or JSON, - for stdin")
    .option("--override-protected", "may touch what carries the host's own connection")
    .description("set all that muster keeps of them; what cuts the host off is undone")
    .addHelpText("after", example("muster host interfaces set h1 -f h1.yaml --dry-run"))
    .action((name: string, options: SetOptions, command: Command) =>
      run(command, (session) => setInterfaces(session, name, options)),
    );
  interfaces
    .command("show")
    .argument("<host>", "name")
    .description("show what they should be, and what they are")
    .addHelpText("after", example("muster host interfaces show h1 -o yaml"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showInterfaces(session, name)),
    );
}

async function fetchInterfaces({ admin }: Session, host: string) {
  const answer = await admin.call(AdminService.getHostNetwork, {
    doing: `show the interfaces of host ${host}`,
    request: { host },
  });
  return {
    spec: answer.interfaces ?? nothing(answer.host),
    observed: answer.observed?.interfaces ?? [],
  };
}

const nothing = (host: string): HostInterfacesSpec => ({ host, bonds: [], interfaces: [] });

/** A host that is not enrolled has none yet. */
async function before(session: Session, host: string): Promise<HostInterfacesSpec> {
  try {
    return (await fetchInterfaces(session, host)).spec;
  } catch (error) {
    if (error instanceof MusterError && error.code === "not-found") return nothing(host);
    throw error;
  }
}

async function setInterfaces(
  session: Session,
  name: string,
  options: SetOptions,
): Promise<ExitCode> {
  const host = parseName(name, "host");
  const { text, source } = await readTextFile(options.file, session.surroundings.stdin);
  const spec = parseHostInterfaces(text, { source, host });
  const earlier = hostInterfacesView(await before(session, host));
  const changes = differences(earlier, hostInterfacesView(spec));
  const { operation } = await callChange(session, AdminService.setHostInterfaces, {
    doing: `set the interfaces of host ${host}`,
    request: {
      spec,
      overrideProtected: options.overrideProtected ?? false,
      why: whyOf(options, session),
    },
  });
  const data = { host, differences: changes };
  if (options.dryRun === true) {
    const lines = changes.length === 0 ? ["they are as they should be"] : changes;
    return showDryRun(session, [`would set the interfaces of host ${host}`, ...lines], data);
  }
  if (operation === undefined) {
    const what =
      changes.length === 0 ? "are as they should be" : "are kept until the host is enrolled";
    session.output.show({
      data,
      names: [host],
      table: () => renderLines([`the interfaces of host ${host} ${what}`]),
    });
    return exitCodes.ok;
  }
  return finishOperation(session, {
    operation,
    options,
    data,
    outcome: async () => ({ sentence: `the interfaces of host ${host} are set`, data: {} }),
  });
}

async function showInterfaces(session: Session, name: string): Promise<ExitCode> {
  const { spec, observed } = await fetchInterfaces(session, parseNameOrId(name, "host"));
  const shown = hostInterfacesView(spec);
  session.output.show({
    data: { spec: shown, observed },
    names: observed.map((each) => each.name),
    table: (paint) => {
      const isNone = spec.bonds.length + spec.interfaces.length === 0;
      const wanted = isNone ? `muster keeps none of host ${spec.host}\n` : renderYaml(shown);
      if (observed.length === 0) return wanted;
      const found = renderTable<InterfaceObservation>(
        [
          { title: "INTERFACE", cell: (each) => each.name },
          { title: "SHOULD BE", cell: (each) => each.wanted },
          { title: "IS", cell: (each) => each.found },
          { title: "PROBLEM", cell: ({ problem }) => problem },
        ],
        observed,
        paint,
      );
      return `${wanted}\n${found}`;
    },
  });
  return exitCodes.ok;
}
