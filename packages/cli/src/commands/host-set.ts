/** `muster host set`: what people say of a host beside what its agent reports. */
import { invalid, parseSize, parseWord } from "@muster/model";
import { AdminService, type Label } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { traitWords } from "../render/rule.ts";
import { renderLines } from "../render/operation.ts";
import { callChange, parseNameOrId, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeHost } from "../view/host.ts";
import { required } from "../view/required.ts";
import { addChangeFlags, example, repeated } from "./flags.ts";
import { parseInteger, parseLabel, wordOrNone } from "./rule-flags.ts";
import type { Run } from "./run.ts";

interface SetOptions extends ChangeOptions {
  readonly label?: readonly Label[];
  readonly failureDomain?: readonly string[];
  readonly environment?: string;
  readonly pool?: string;
  readonly tenants?: readonly string[];
  readonly reservedCpus?: number;
  readonly reservedMemory?: bigint;
  readonly cpuOvercommit?: number;
  readonly memoryOvercommit?: number;
}

const wordList =
  (flag: string, separator: string) =>
  (text: string): readonly string[] =>
    text === "none" ? [] : text.split(separator).map((part) => parseWord(part, flag));

function factor(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value <= 64) return value;
    throw invalid(flag, `"${text}" is not a number from 0 to 64`);
  };
}

export function addHostSet(host: Command, run: Run): void {
  addChangeFlags(host.command("set"))
    .argument("<host>", "name or id")
    .description("say what a host is: labels, failure domain, environment, what is kept for itself")
    .option(
      "--label <name=value>",
      "a label; NAME= takes it away; repeat for more",
      repeated((text) => parseLabel(text, "--label")),
    )
    .option(
      "--failure-domain <path>",
      "outermost first: paris/row-2/rack-7; none",
      wordList("--failure-domain", "/"),
    )
    .option("--environment <word>", "PRD, DEV, TMP; none", wordOrNone("--environment"))
    .option("--pool <pool>", "pool it belongs to; none", wordOrNone("--pool"))
    .option(
      "--tenants <a,b>",
      "the only tenants that may use it; none: all",
      wordList("--tenants", ","),
    )
    .option("--reserved-cpus <n>", "hardware threads kept for itself", (text) =>
      Math.max(0, parseInteger(text, "--reserved-cpus")),
    )
    .option("--reserved-memory <size>", "memory kept for itself; 0: as configured", (text) =>
      text === "0" ? 0n : parseSize(text, "--reserved-memory"),
    )
    .option(
      "--cpu-overcommit <n>",
      "virtual CPUs promised per thread; 0: as configured",
      factor("--cpu-overcommit"),
    )
    .option(
      "--memory-overcommit <n>",
      "VM memory promised per byte; 0: none",
      factor("--memory-overcommit"),
    )
    .addHelpText(
      "after",
      example(
        "muster host set h1 --failure-domain paris/row-2/rack-7 --environment PRD",
        "muster host set h1 --label ssd=yes --label gpu= --reserved-cpus 2",
      ),
    )
    .action((name: string, options: SetOptions, command: Command) =>
      run(command, (session) => setTraits(session, name, options)),
    );
}

async function setTraits(session: Session, name: string, options: SetOptions): Promise<ExitCode> {
  const { label, failureDomain, environment, pool, tenants } = options;
  const { reservedCpus, reservedMemory, cpuOvercommit, memoryOvercommit } = options;
  const given = [label, failureDomain, environment, pool, tenants, reservedCpus, reservedMemory];
  if ([...given, cpuOvercommit, memoryOvercommit].every((flag) => flag === undefined)) {
    throw invalid("host set", "nothing to set", "see: muster host set --help");
  }
  const answer = await callChange(session, AdminService.setHostTraits, {
    doing: `set the traits of host ${name}`,
    request: {
      host: parseNameOrId(name, "host"),
      labels: [...(label ?? [])],
      failureDomain: failureDomain === undefined ? undefined : { names: [...failureDomain] },
      environment,
      pool,
      tenants: tenants === undefined ? undefined : { names: [...tenants] },
      cpusReserved: reservedCpus,
      memoryReservedBytes: reservedMemory,
      cpuOvercommit,
      memoryOvercommit,
      why: whyOf(options, session),
    },
  });
  const host = decodeHost(required(answer.host, "host"));
  const words = host.traits === undefined ? [] : traitWords(host.traits);
  const isDry = options.dryRun === true;
  session.output.show({
    data: { ...host, broken: answer.broken, ...(isDry ? { dryRun: true } : {}) },
    names: [host.name],
    table: () =>
      renderLines([
        `host ${host.name}: ${words.length === 0 ? "nothing is said of it" : words.join(", ")}`,
        ...answer.broken.map((line) => `not so now: ${line}`),
        ...(isDry ? ["nothing was changed (dry run)"] : []),
      ]),
  });
  return exitCodes.ok;
}
