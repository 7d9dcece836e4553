/** `muster-coordinator run | certificate NAME`. */
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { invalid, MusterError, parseName } from "@muster/model";
import {
  createLogger,
  parseCommandLine,
  renderFailure,
  serveUntilAsked,
  systemClock,
  systemRandom,
} from "@muster/runtime";
import type { Authority } from "./authority/authority.ts";
import { openAuthority } from "./authority/shared-authority.ts";
import { backup, restore } from "./daemon/backup-commands.ts";
import { readCoordinatorConfig, type CoordinatorConfig } from "./daemon/config.ts";
import { openEtcd, SQLITE_FILE } from "./daemon/open-store.ts";
import { runCoordinator } from "./daemon/run.ts";
import { Ledger } from "./ledger/ledger.ts";
import { serveQuestion } from "./plans/serve-question.ts";
import { SqliteStore } from "./store/sqlite-store.ts";
import { VERSION } from "./version.ts";

const HELP = `muster-coordinator ${VERSION}: the one brain of a cluster

  muster-coordinator run [--config FILE] [--OPTION VALUE ...]
  muster-coordinator certificate NAME DIRECTORY [--role operator|metrics] [--config FILE]
      makes a key and certificate for a person (operator) or for Prometheus (metrics)
  muster-coordinator backup FILE [--config FILE]
      writes everything that is stored, and the authority's key, into one file; also while the coordinator runs
  muster-coordinator restore FILE [--config FILE]
      puts it back, into whatever store is configured; while no coordinator runs. What was there is kept aside
  muster-coordinator version

Options stand over the configuration file; sections are joined with a dot, as in --listen.port 7443.
See deploy/config/coordinator.example.yaml for all of them.
`;

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
    case "run":
      return run(options);
    case "certificate":
      return certificate(rest, options);
    case "backup":
    case "restore":
      return copyState(command, rest, options);
    default:
      throw invalid("command", `"${command}" is unknown`, "see: muster-coordinator help");
  }
}

type Options = ReadonlyMap<string, string | true>;

function configSources(options: Options) {
  const path = options.get("config");
  const others = new Map([...options].filter(([name]) => name !== "config" && name !== "role"));
  if (path === true) throw invalid("--config", "needs the path of a file");
  return path === undefined ? { options: others } : { path, options: others };
}

async function run(options: Options): Promise<void> {
  const config = readCoordinatorConfig(configSources(options));
  const log = createLogger({ name: "muster-coordinator", level: config.logLevel });
  await using daemon = await runCoordinator(config, { log, entry: new URL(import.meta.url) });
  const status = `serving ${daemon.address}`;
  const ended = await serveUntilAsked({
    clock: systemClock,
    log,
    status,
    // Only an event loop that turns feeds the watchdog; there is no other way to be unwell and not know.
    isHealthy: () => true,
    over: daemon.over,
  });
  // systemd starts it again; as a standby, if another leads by then.
  if (ended !== undefined) process.exitCode = EXIT_BEGIN_ANEW;
}

/** EX_TEMPFAIL: not a mistake of anybody's. */
const EXIT_BEGIN_ANEW = 75;

async function certificate(words: readonly string[], options: Options): Promise<void> {
  const [name, directory] = words;
  if (name === undefined || directory === undefined) {
    throw invalid(
      "command line",
      "NAME and DIRECTORY are required",
      "see: muster-coordinator help",
    );
  }
  const role = options.get("role") ?? "operator";
  if (role !== "operator" && role !== "metrics") throw invalid("--role", "is operator or metrics");
  const config = readCoordinatorConfig(configSources(options));
  const authority = await existingAuthority(config);
  const identity = await authority.issueClient({ role, name: parseName(name, "NAME") });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, "key.pem"), identity.privateKey, { mode: 0o600, flag: "wx" });
  await writeFile(join(directory, "certificate.pem"), identity.certificate, { flag: "wx" });
  await writeFile(join(directory, "authority.pem"), identity.authority, { flag: "wx" });
  process.stdout.write(
    `certificate of ${role} ${name} is in ${directory}; use it with: muster --identity ${directory}\n`,
  );
}

async function copyState(
  command: "backup" | "restore",
  words: readonly string[],
  options: Options,
): Promise<void> {
  const [path] = words;
  if (path === undefined) {
    throw invalid("command line", "FILE is required", "see: muster-coordinator help");
  }
  const config = readCoordinatorConfig(configSources(options));
  const done = command === "backup" ? await backup(config, path) : await restore(config, path);
  process.stdout.write(`${done}\n`);
}

/** Certificates come from the authority of a cluster that has run; another one would be worth nothing. */
async function existingAuthority(config: CoordinatorConfig): Promise<Authority> {
  const { dataDirectory } = config;
  if (config.store.kind === "sqlite") await checkStarted(dataDirectory);
  await using store =
    config.store.kind === "sqlite"
      ? SqliteStore.open(join(dataDirectory, SQLITE_FILE))
      : await openEtcd(config.store);
  const ledger = await Ledger.copy(store);
  const options = { dataDirectory, clock: systemClock, random: systemRandom };
  if (!ledger.isNew && ledger.view.authority !== undefined) {
    return openAuthority({ ledger, place: config.authority, options });
  }
  throw new MusterError("not-found", `the coordinator in ${dataDirectory} was never started`, {
    hint: "start it once: muster-coordinator run",
  });
}

async function checkStarted(dataDirectory: string): Promise<void> {
  try {
    await stat(join(dataDirectory, SQLITE_FILE));
  } catch (cause) {
    throw new MusterError("not-found", `there is no coordinator in ${dataDirectory}`, {
      cause,
      hint: "start it once: muster-coordinator run",
    });
  }
}

if (isMainThread) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(renderFailure("muster-coordinator", error));
    process.exitCode = 1;
  }
} else {
  // The planner's long questions run in this same file, on threads of their own.
  serveQuestion(systemClock);
}
