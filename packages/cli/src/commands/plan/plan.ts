/** `muster plan …`: questions to the planner. They change nothing; plans of moves are kept, to be run or not. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { invalid, parseSize } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../../exit-codes.ts";
import { parseNameOrId, type Session } from "../../session.ts";
import type { SpecFlags } from "../../spec/spec-flags.ts";
import { countOf, durationOf, example } from "../flags.ts";
import { addRuleFlags, rulesOfFlags, type RuleFlags } from "../rule-flags.ts";
import type { Run } from "../run.ts";
import { addSpecFlags } from "../spec-flags.ts";
import { gatherSpec } from "../vm-create.ts";
import { addKeptPlanCommands } from "./kept.ts";
import { addAskFlags, addKeepFlag, ask, type AskOptions, type Question } from "./ask.ts";
import { checkHandOver } from "./hand-over.ts";
import { roll, type RollOptions } from "./roll.ts";
import { addWhatIf } from "./what-if.ts";

const decompress = promisify(gunzip);

interface LimitOptions extends AskOptions {
  readonly maxMoves?: number;
  readonly groupMax?: number;
  readonly seed?: number;
}

interface RollingOptions extends AskOptions, RollOptions {
  readonly run?: boolean;
}

interface CapacityOptions extends AskOptions {
  readonly cpus: number;
  readonly memory: bigint;
  readonly survive?: number;
}

export function addPlanCommands(program: Command, run: Run): void {
  const plan = program
    .command("plan")
    .description("ask the planner: where, what if, how many; judge, approve and run its plans");
  plan
    .command("snapshot")
    .description("print the cluster as the planner sees it, to ask about it later")
    .addHelpText("after", example("muster plan snapshot > monday.json"))
    .action((_options, command: Command) => run(command, printSnapshot));
  addPlace(plan, run);
  addHostQuestions(plan, run);
  addClusterQuestions(plan, run);
  addWhatIf(plan, run);
  addKeptPlanCommands(plan, run);
}

async function printSnapshot({ admin, output }: Session): Promise<ExitCode> {
  const answer = await admin.call(AdminService.takeSnapshot, {
    doing: "take a snapshot",
    request: {},
  });
  output.write(await decompress(answer.snapshotGzip));
  return exitCodes.ok;
}

function addPlace(plan: Command, run: Run): void {
  addAskFlags(addRuleFlags(addSpecFlags(plan.command("place"))))
    .argument("[name]", "name of the VM that is not there yet")
    .description("where a new VM would go, and why not elsewhere")
    .addHelpText("after", example("muster plan place --cpus 4 --memory 8G --snapshot monday.json"))
    .action(
      (name: string | undefined, options: AskOptions & SpecFlags & RuleFlags, command: Command) =>
        run(command, async (session) => {
          const fallback = options.file === undefined ? "vm" : undefined;
          const value = await gatherSpec(session, name ?? fallback, options);
          const placeRules = rulesOfFlags(options);
          return ask(session, { $case: "place", value }, { ...options, placeRules });
        }),
    );
}

const hostList = (names: readonly string[]): string[] =>
  names.map((name) => parseNameOrId(name, "host"));

function addHostQuestions(plan: Command, run: Run): void {
  const add = (about: {
    readonly command: string;
    readonly hosts: string;
    readonly description: string;
    readonly $case: "drain" | "recover" | "returnHome";
    readonly example: string;
  }): void => {
    const command = addAskFlags(plan.command(about.command));
    // VMs of a lost host start anew when it is lost, not when somebody runs a plan.
    (about.$case === "recover" ? command : addKeepFlag(command))
      .argument(about.hosts, "names or ids")
      .description(about.description)
      .addHelpText("after", example(about.example))
      .action((names: readonly string[], options: AskOptions, command: Command) =>
        run(command, async (session) => {
          const question: Question = { $case: about.$case, value: { hosts: hostList(names) } };
          return ask(session, question, options);
        }),
      );
  };
  add({
    command: "drain",
    hosts: "<host...>",
    description: "the moves that empty hosts, in waves",
    $case: "drain",
    example: "muster plan drain h1 h2",
  });
  add({
    command: "recover",
    hosts: "<host...>",
    description: "where the VMs of hosts would start again if they were lost",
    $case: "recover",
    example: "muster plan recover h1",
  });
  add({
    command: "return-home",
    hosts: "[host...]",
    description: "the moves that bring VMs back to their homes (default: all)",
    $case: "returnHome",
    example: "muster plan return-home h1",
  });
}

function addRolling(plan: Command, run: Run): void {
  addKeepFlag(addAskFlags(plan.command("rolling")))
    .argument("[host...]", "names or ids (default: every host that is online)")
    .description("groups of hosts that may be down together, with the moves that empty them")
    .option("--group-max <n>", "hosts down at once (with --run: 1)", countOf("--group-max"))
    .option("--run", "do it: drain a group, hand it over, bring its VMs back, go on with the next")
    .option(
      "--exec <command>",
      "with --run: a shell command for each empty host, $MUSTER_HOST; without it a person is asked",
    )
    .option("--copy-storage", "with --run: copy disks that are on local storage")
    .option("--reason <text>", "with --run: why; kept with each change")
    .option(
      "--wait-timeout <duration>",
      "with --run: give up waiting for one operation after this long; it goes on",
      durationOf("--wait-timeout"),
    )
    .addHelpText(
      "after",
      example(
        "muster plan rolling --group-max 2",
        "muster plan rolling --run --exec 'ssh $MUSTER_HOST sudo reboot; sleep 300'",
      ),
    )
    .action((names: readonly string[], options: RollingOptions, command: Command) =>
      run(command, async (session) => {
        if (options.run === true) {
          if (options.snapshot !== undefined) {
            throw invalid("--run", "a saved snapshot cannot be worked on", "leave --snapshot out");
          }
          checkHandOver(session, options.exec);
          return roll(session, hostList(names), options);
        }
        const value = { hosts: hostList(names), groupMax: options.groupMax ?? 0 };
        return ask(session, { $case: "rolling", value }, options);
      }),
    );
}

function addClusterQuestions(plan: Command, run: Run): void {
  const maxMoves = ["--max-moves <n>", "move at most so many VMs"] as const;
  addKeepFlag(addAskFlags(plan.command("rebalance")))
    .description("the moves that make the hosts more even")
    .option(...maxMoves, countOf("--max-moves"))
    .option("--seed <n>", "search another way (default: 1)", countOf("--seed"))
    .addHelpText("after", example("muster plan rebalance --max-moves 10 --within 30s"))
    .action((options: LimitOptions, command: Command) =>
      run(command, async (session) => {
        const value = { movesMax: options.maxMoves ?? 0, seed: options.seed ?? 0 };
        return ask(session, { $case: "rebalance", value }, options);
      }),
    );
  addKeepFlag(addAskFlags(plan.command("consolidate")))
    .description("the moves that empty as many hosts as possible")
    .option(...maxMoves, countOf("--max-moves"))
    .addHelpText("after", example("muster plan consolidate --max-moves 20"))
    .action((options: LimitOptions, command: Command) =>
      run(command, async (session) => {
        const value = { movesMax: options.maxMoves ?? 0 };
        return ask(session, { $case: "consolidate", value }, options);
      }),
    );
  addRolling(plan, run);
  addAskFlags(plan.command("capacity"))
    .description("how many more VMs of a size fit, on which hosts, and what stops the next")
    .requiredOption("--cpus <n>", "virtual CPUs of each", countOf("--cpus"))
    .requiredOption("--memory <size>", "memory of each: 4G", (text) => parseSize(text, "--memory"))
    .option("--survive <n>", "any so many hosts may be lost at once", countOf("--survive"))
    .addHelpText("after", example("muster plan capacity --cpus 2 --memory 4G --survive 1"))
    .action((options: CapacityOptions, command: Command) =>
      run(command, async (session) => {
        const shapes = [{ cpus: options.cpus, memoryBytes: options.memory }];
        const value = { shapes, survive: options.survive ?? 0 };
        return ask(session, { $case: "capacity", value }, options);
      }),
    );
}
