/** One run of the command line in given surroundings: arguments in, exit code out. */
import { CommanderError, type Command } from "commander";
import type { ErrorCode } from "@muster/model";
import type { Run } from "./commands/run.ts";
import { AdminConnection, type StandbyAnswer } from "./connection/admin-connection.ts";
import { COORDINATOR_ADDRESS_DEFAULT, parseCoordinatorAddresses } from "./connection/address.ts";
import { loadIdentity } from "./connection/identity.ts";
import { exitCodeOf, exitCodes, type ExitCode } from "./exit-codes.ts";
import { Output } from "./output.ts";
import { buildProgram, type GlobalOptions } from "./program.ts";
import { failureOf } from "./render/failure.ts";
import type { Surroundings } from "./surroundings.ts";

const TIMEOUT_DEFAULT_MS = 30_000;

/** Never throws: whatever fails is told on stderr and has an exit code. `argv`: without program names. */
export async function runMuster(
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { stdout, stderr } = surroundings;
  let exitCode: ExitCode = exitCodes.ok;
  const run: Run = async (command, work) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const output = openOutput(options, surroundings);
    await using admin = connect(options, surroundings, output);
    exitCode = await work({ admin, output, surroundings });
  };
  const program = buildProgram({ run, stdout, stderr });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return usageExitCode(error);
    const failure = failureOf(error);
    openOutput(optionsSoFar(program), surroundings).fail(failure);
    if (failure.code === "internal" && error instanceof Error && isDebugging(surroundings)) {
      stderr.write(`${error.stack ?? ""}\n`);
    }
    return exitCodeOf(failure.code satisfies ErrorCode);
  }
}

/** Help and --version end commander with 0; everything else is wrong usage, told already. */
const usageExitCode = (error: CommanderError): ExitCode =>
  error.exitCode === 0 ? exitCodes.ok : exitCodes.invalid;

const optionsSoFar = (program: Command): GlobalOptions => program.opts<GlobalOptions>();

const isDebugging = ({ environment }: Surroundings): boolean =>
  (environment["MUSTER_DEBUG"] ?? "") !== "";

function openOutput(options: GlobalOptions, surroundings: Surroundings): Output {
  const { stdout, stderr, environment } = surroundings;
  return new Output({
    format: options.output ?? "table",
    isComplete: options.all ?? false,
    stdout,
    stderr,
    isColourless: (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb",
  });
}

function connect(
  options: GlobalOptions,
  { environment, clock }: Surroundings,
  output: Output,
): AdminConnection {
  const text = options.coordinator ?? environment["MUSTER_COORDINATOR"];
  const addresses = parseCoordinatorAddresses(text || COORDINATOR_ADDRESS_DEFAULT);
  const timeoutMs = options.timeout ?? TIMEOUT_DEFAULT_MS;
  const identity = options.identity ?? environment["MUSTER_IDENTITY"];
  // With the local socket alone nobody needs one; with one, a leader elsewhere can be asked too.
  const isLocal = addresses.every(({ kind }) => kind === "unix");
  const trust = isLocal && (identity ?? "") === "" ? {} : { trust: loadIdentity(identity) };
  let isTold = false;
  const onStandby = ({ address, ageMs }: StandbyAnswer): void => {
    if (isTold) return;
    isTold = true;
    const age = (ageMs / 1_000).toFixed(1);
    output.note(
      `muster: no leader can be asked; ${address} is a standby and shows what was stored ${age} s ago, without what hosts report`,
    );
  };
  return new AdminConnection({ addresses, ...trust, timeoutMs, clock, onStandby });
}
