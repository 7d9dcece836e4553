/** `muster-agent join STRING | run | leave | simulate`. */
import { invalid } from "@muster/model";
import {
  createLogger,
  parseCommandLine,
  renderFailure,
  serveUntilAsked,
  systemClock,
} from "@muster/runtime";
import { machineName, readAgentConfig, type AgentConfig } from "./daemon/config.ts";
import { runAgent } from "./daemon/run.ts";
import { readSimulatedFleetConfig } from "./daemon/simulated-fleet-config.ts";
import { join, readJoinString } from "./enrolment/join.ts";
import { leave } from "./enrolment/leave.ts";
import { VERSION } from "./version.ts";

const HELP = `muster-agent ${VERSION}: one per host

  muster-agent join STRING [--name NAME] [--config FILE]   joins a cluster; "-" reads the string from standard input
  muster-agent run [--config FILE] [--OPTION VALUE ...]    serves; normally systemd does this
  muster-agent leave [--config FILE]                       forgets the cluster; VMs run on
  muster-agent simulate [--join-strings FILE] [--data-directory DIR] [--cpus 8] [--memory 16G] [--log-level LEVEL]
                                                           serves many hosts that only exist in its memory, for trying
                                                           muster and measuring it: all that have joined in DIR, and
                                                           those of the join strings, one on each line of FILE; "-"
                                                           reads standard input. VMs end with it
  muster-agent version

"muster host invite NAME" prints the STRING. Options stand over the configuration file; sections are joined with a
dot, as in --networks.uplink eth1. See deploy/config/agent.example.yaml for all of them.
`;

const JOIN_TIMEOUT_MS = 15_000;

type Options = ReadonlyMap<string, string | true>;

function readConfig(options: Options): AgentConfig {
  const path = options.get("config");
  if (path === true) throw invalid("--config", "needs the path of a file");
  const others = new Map([...options].filter(([name]) => name !== "config" && name !== "name"));
  return readAgentConfig(path === undefined ? { options: others } : { path, options: others });
}

async function main(words: readonly string[]): Promise<void> {
  const { positionals, options } = parseCommandLine(words);
  const [command, ...rest] = positionals;
  if (command === undefined || command === "help" || options.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  switch (command) {
    case "version":
      process.stdout.write(`${VERSION}\n`);
      return;
    case "join":
      return joinCluster(rest, options);
    case "leave":
      await leave(readConfig(options).dataDirectory);
      process.stdout.write(
        "this machine has left its cluster; to forget it there: muster host remove NAME\n",
      );
      return;
    case "run":
      return run(readConfig(options));
    case "simulate":
      return simulate(options);
    default:
      throw invalid("command", `"${command}" is unknown`, "see: muster-agent help");
  }
}

async function joinCluster(words: readonly string[], options: Options): Promise<void> {
  // The join string holds a secret, and others can read a process's arguments.
  process.title = "muster-agent";
  const [word] = words;
  if (word === undefined) {
    throw invalid("STRING", "is required", "make one with: muster host invite NAME");
  }
  const name = options.get("name");
  if (name === true) throw invalid("--name", "needs a name");
  const { dataDirectory } = readConfig(options);
  const identity = await join({
    joinString: await readJoinString(word, process.stdin),
    machineName: machineName(),
    dataDirectory,
    agentVersion: VERSION,
    timeoutMs: JOIN_TIMEOUT_MS,
    ...(name === undefined ? {} : { hostName: name }),
  });
  process.stdout.write(
    `joined cluster ${identity.clusterId} as host ${identity.hostName}; now run: muster-agent run\n`,
  );
}

async function run(config: AgentConfig): Promise<void> {
  const log = createLogger({ name: "muster-agent", level: config.logLevel });
  await using daemon = await runAgent(config, log);
  await serveUntilAsked({
    clock: systemClock,
    log,
    status: `host ${daemon.hostName}`,
    // Only an event loop that turns feeds the watchdog; without libvirt or coordinator the agent goes on trying.
    isHealthy: () => true,
  });
}

async function simulate(options: Options): Promise<void> {
  const config = readSimulatedFleetConfig({ options });
  // Loaded only here: no agent of a real host carries it in memory.
  const { runSimulatedFleet } = await import("./daemon/simulated-fleet.ts");
  const log = createLogger({ name: "muster-agent", level: config.logLevel });
  await using fleet = await runSimulatedFleet(config, log);
  const status = `${String(fleet.hostNames.length)} simulated hosts`;
  await serveUntilAsked({ clock: systemClock, log, status, isHealthy: () => true });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(renderFailure("muster-agent", error));
  process.exitCode = 1;
}
