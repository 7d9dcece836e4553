import { invalid, parseSize } from "@muster/model";
import type { PlanResize } from "@muster/proto/admin";
import type { Command } from "commander";
import { parseNameOrId } from "../../session.ts";
import { parseCount } from "../../spec/fields.ts";
import { countOf, example, repeated } from "../flags.ts";
import type { Run } from "../run.ts";
import { addAskFlags, ask, type AskOptions } from "./ask.ts";

interface WhatIfOptions extends AskOptions {
  readonly lose?: readonly string[];
  readonly addHosts?: number;
  readonly like?: string;
  readonly resize?: readonly PlanResize[];
  readonly cpus?: number;
  readonly memory?: bigint;
}

export function addWhatIf(plan: Command, run: Run): void {
  addAskFlags(plan.command("what-if"))
    .description("what would be if hosts were lost, hosts were added or VMs had another size")
    .option(
      "--lose <host>",
      "this host is gone; repeat for more",
      repeated((text) => parseNameOrId(text, "--lose")),
    )
    .option("--add-hosts <n>", "so many hosts more, with --like", countOf("--add-hosts"))
    .option("--like <host>", "the host they are like", (text) => parseNameOrId(text, "--like"))
    .option(
      "--resize <VM[,cpus=N][,memory=SIZE]>",
      "this VM has another size; repeat for more",
      repeated(parseResize),
    )
    .option("--cpus <n>", "with --memory: count such VMs before and after", countOf("--cpus"))
    .option("--memory <size>", "with --cpus: 4G", (text) => parseSize(text, "--memory"))
    .addHelpText(
      "after",
      example(
        "muster plan what-if --lose h1 --lose h2",
        "muster plan what-if --add-hosts 2 --like h1 --cpus 2 --memory 4G",
        "muster plan what-if --resize db-1,memory=64G",
      ),
    )
    .action((options: WhatIfOptions, command: Command) =>
      run(command, async (session) => {
        const value = {
          lose: [...(options.lose ?? [])],
          addHosts: options.addHosts ?? 0,
          like: options.like ?? "",
          resize: [...(options.resize ?? [])],
          shape: shapeOf(options),
        };
        return ask(session, { $case: "whatIf", value }, options);
      }),
    );
}

function shapeOf({ cpus, memory }: WhatIfOptions) {
  if (cpus === undefined && memory === undefined) return undefined;
  if (cpus === undefined || memory === undefined) {
    throw invalid("what-if", "--cpus and --memory are given together");
  }
  return { cpus, memoryBytes: memory };
}

/** "db-1,cpus=8,memory=64G" */
export function parseResize(text: string): PlanResize {
  const [name = "", ...changes] = text.split(",");
  const resize = { vm: parseNameOrId(name, "--resize"), cpus: 0, memoryBytes: 0n };
  for (const change of changes) {
    const [key = "", value = ""] = change.split("=");
    if (key === "cpus") resize.cpus = parseCount(value, "--resize cpus");
    else if (key === "memory") resize.memoryBytes = parseSize(value, "--resize memory");
    else throw invalid("--resize", `unknown part "${change}"`, "write VM,cpus=8,memory=64G");
  }
  if (changes.length > 0) return resize;
  throw invalid("--resize", `"${text}" changes nothing`, "write VM,cpus=8,memory=64G");
}
