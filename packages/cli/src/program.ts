/** The command line as a whole: global flags, every command, and how help and mistakes are shown. */
import { Command, Option } from "commander";
import { VERSION } from "./version.ts";
import { addAddressCommands } from "./commands/address.ts";
import { addClaimCommands } from "./commands/claim.ts";
import { addClusterCommands } from "./commands/cluster.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addCoordinatorCommands } from "./commands/coordinator.ts";
import { addApplyCommand } from "./commands/apply.ts";
import { addAuditCommands } from "./commands/audit.ts";
import { addEventsCommand } from "./commands/events.ts";
import { addExplainCommand } from "./commands/explain.ts";
import { durationOf } from "./commands/flags.ts";
import { addGroupCommands } from "./commands/group.ts";
import { addHaCommands } from "./commands/ha.ts";
import { addHostCommands } from "./commands/host.ts";
import { addImageCommands } from "./commands/image.ts";
import { addNetworkCommands } from "./commands/network.ts";
import { addOperationCommands } from "./commands/operation.ts";
import { addPlanCommands } from "./commands/plan/plan.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addRuleCommands } from "./commands/rule.ts";
import type { Run } from "./commands/run.ts";
import { addStatusCommands } from "./commands/status.ts";
import { addUplinkCommands } from "./commands/uplink.ts";
import { addVmCommands } from "./commands/vm.ts";
import { COORDINATOR_ADDRESS_DEFAULT } from "./connection/address.ts";
import { outputFormats, type OutputFormat } from "./output.ts";
import type { Screen } from "./surroundings.ts";

export interface GlobalOptions {
  readonly coordinator?: string;
  readonly identity?: string;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly output?: OutputFormat;
  readonly all?: boolean;
}

const EXIT_CODES = `
Exit codes:
  0 done  1 internal error  2 wrong usage  3 not found  4 refused (state, conflict, busy)  5 no host fits
  6 operation failed  7 cancelled  8 coordinator unreachable or too slow  9 not permitted  130 stopped waiting
`;

export function buildProgram(parts: {
  readonly run: Run;
  readonly stdout: Screen;
  readonly stderr: Screen;
}): Command {
  const { run, stdout, stderr } = parts;
  const program = new Command("muster")
    .description("Turns libvirt/KVM hosts into one well-run cluster.")
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => {
        write(text.replace(/^error:/, "muster:"));
      },
      getOutHelpWidth: () => stdout.columns || 100,
      getErrHelpWidth: () => stderr.columns || 100,
    })
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError()
    .option(
      "--coordinator <address>",
      `unix:///PATH or https://HOST[:7443], several with commas between them ($MUSTER_COORDINATOR; default: ${COORDINATOR_ADDRESS_DEFAULT})`,
    )
    .option(
      "--identity <dir>",
      "key.pem, certificate.pem, authority.pem, for https ($MUSTER_IDENTITY)",
    )
    .option(
      "--timeout <duration>",
      "how long the coordinator may take to answer, or stay away while we wait (default: 30s)",
      durationOf("--timeout"),
    )
    .addOption(
      new Option("-o, --output <format>", "how to print results (default: table)").choices(
        outputFormats,
      ),
    )
    .option("--all", "every reason of a refusal, not only the counts and the first hosts");
  addStatusCommands(program, run);
  addCoordinatorCommands(program, run);
  addHostCommands(program, run);
  addVmCommands(program, run);
  addClusterCommands(program, run);
  addGroupCommands(program, run);
  addImageCommands(program, run);
  addNetworkCommands(program, run);
  addUplinkCommands(program, run);
  addAddressCommands(program, run);
  addApplyCommand(program, run);
  addOperationCommands(program, run);
  addPlanCommands(program, run);
  addRuleCommands(program, run);
  addClaimCommands(program, run);
  addPolicyCommands(program, run);
  addHaCommands(program, run);
  addEventsCommand(program, run);
  addAuditCommands(program, run);
  addExplainCommand(program, run);
  addCompletionCommand(program, stdout);
  program.addHelpText("after", EXIT_CODES);
  return program;
}
