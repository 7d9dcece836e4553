/** `muster claim …`: room held for VMs that do not exist yet. */
import { parseName, parseSize } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderLines } from "../render/operation.ts";
import { renderClaims } from "../render/rule.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, countOf, durationOf, example, repeated } from "./flags.ts";
import { addRuleFlags, rulesOfFlags, type RuleFlags } from "./rule-flags.ts";
import type { Run } from "./run.ts";

interface CreateOptions extends RuleFlags, ChangeOptions {
  readonly cpus: number;
  readonly memory: bigint;
  readonly count?: number;
  /** Milliseconds. */
  readonly for?: number;
  readonly network?: readonly string[];
}

export function addClaimCommands(program: Command, run: Run): void {
  const claim = program.command("claim").description("room held for VMs that do not exist yet");
  addChangeFlags(addRuleFlags(claim.command("create")))
    .argument("<name>", "name; with --count, numbers are put behind it")
    .description("hold room until a time; plans may move it, nobody can take it")
    .requiredOption("--cpus <n>", "virtual CPUs of each", countOf("--cpus"))
    .requiredOption("--memory <size>", "memory of each: 4G", (text) => parseSize(text, "--memory"))
    .option("--count <n>", "how many, all or none (default: 1)", countOf("--count"))
    .option("--for <duration>", "how long it is held (default: 1h)", durationOf("--for"))
    .option(
      "--network <name>",
      "a network the VM will be on; repeat for more",
      repeated((text) => parseName(text, "--network")),
    )
    .addHelpText(
      "after",
      example(
        "muster claim create web --cpus 2 --memory 4G --count 3 --for 2h",
        "muster vm create web-1 --memory 4G --cpus 2 --claim web-1",
      ),
    )
    .action((name: string, options: CreateOptions, command: Command) =>
      run(command, (session) => createClaims(session, name, options)),
    );
  claim
    .command("ls")
    .description("list what is held, where, and for how long")
    .addHelpText("after", example("muster claim ls"))
    .action((_options, command: Command) => run(command, listClaims));
  addChangeFlags(claim.command("rm"))
    .argument("<claim>", "name")
    .description("give the room back")
    .addHelpText("after", example("muster claim rm web-3"))
    .action((name: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => removeClaim(session, name, options)),
    );
}

async function createClaims(
  session: Session,
  name: string,
  options: CreateOptions,
): Promise<ExitCode> {
  const { claims } = await callChange(session, AdminService.createClaims, {
    doing: `hold room for ${name}`,
    request: {
      name: parseName(name, "claim"),
      cpus: options.cpus,
      memoryBytes: options.memory,
      count: options.count ?? 1,
      holdSeconds: options.for === undefined ? 0 : Math.ceil(options.for / 1_000),
      rules: rulesOfFlags(options),
      networks: [...(options.network ?? [])],
      why: whyOf(options, session),
    },
  });
  const lines = claims.map((claim) => `${claim.name} on ${claim.host} until ${claim.expiresAt}`);
  if (options.dryRun === true) {
    return showDryRun(session, ["would hold room for:", ...lines], { claims });
  }
  session.output.show({
    data: claims,
    names: claims.map((claim) => claim.name),
    table: () => renderLines(lines),
  });
  return exitCodes.ok;
}

async function listClaims({ admin, output, surroundings }: Session): Promise<ExitCode> {
  const { claims } = await admin.call(AdminService.listClaims, {
    doing: "list claims",
    request: {},
  });
  output.show({
    data: claims,
    names: claims.map(({ name }) => name),
    table: (paint) => renderClaims(claims, surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}

async function removeClaim(
  session: Session,
  name: string,
  options: ChangeOptions,
): Promise<ExitCode> {
  await callChange(session, AdminService.deleteClaim, {
    doing: `give back claim ${name}`,
    request: { name: parseName(name, "claim"), why: whyOf(options, session) },
  });
  if (options.dryRun === true) {
    return showDryRun(session, [`would give the room of ${name} back`], { name });
  }
  session.output.show({
    data: { name, removed: true },
    names: [name],
    table: () => renderLines([`the room of ${name} is free again`]),
  });
  return exitCodes.ok;
}
