/**
 * The quickstart without root: the same coordinator, the same agents' code, enrolment, mutual TLS and gRPC, but
 * hypervisors that only exist in the memory of one process. What needs real machines is said to be missing.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "../../test/lab/waiting.ts";
import { buildPrograms } from "../build.ts";
import type { Background } from "./background.ts";
import { quickstart, type Choices } from "./choices.ts";
import { backgroundOf, makeSimulatedPlace, removePlace } from "./down.ts";
import { freePort } from "./free-port.ts";
import { MusterCommand, node, type Said } from "./muster-command.ts";
import { showCluster, tellWhatNext, type Cluster } from "./overview.ts";
import { showSimulatedMigration } from "./simulated-migration.ts";
import type { Story } from "./story.ts";

const HOSTS = ["h1", "h2", "h3"] as const;
const COORDINATOR_PORT = 7443;
const METRICS_PORT = 7480;
const START_TIMEOUT_MS = 30_000;

const INTRODUCTION = `muster quickstart, simulated: a coordinator and three hosts on this machine.
Coordinator, agents, enrolment, TLS and gRPC are real; hypervisors and networks are simulated, so no VM
really runs and no packet is sent between VMs: who reaches whom on which VLAN can only be shown on real
hypervisors (as root: npm run quickstart).`;

interface Place {
  readonly directory: string;
  readonly programs: string;
  readonly logs: string;
  readonly socketPath: string;
  readonly background: Background;
}

export async function runSimulated(choices: Choices, story: Story): Promise<void> {
  const { directory } = choices;
  story.tell(`${INTRODUCTION}\nDirectory: ${directory}`);
  if (existsSync(directory)) {
    await story.step("Stop and remove the cluster of an earlier quickstart", () =>
      removePlace(directory),
    );
  }
  await makeSimulatedPlace(directory);
  const place: Place = {
    directory,
    programs: join(directory, "programs"),
    logs: join(directory, "log"),
    socketPath: join(directory, "coordinator.sock"),
    background: backgroundOf(directory),
  };
  story.logs = place.logs;
  story.stop = quickstart(choices, "down");
  const cluster = await startMuster(place, story);
  await showMainJob(cluster, story);
  await story.step("The cluster now", () => showCluster(cluster, story));
  tellWhatNext({ cluster, choices, story, more: [] });
}

async function startMuster(place: Place, story: Story): Promise<Cluster> {
  const { directory, programs, socketPath, logs } = place;
  await story.step("Build muster-coordinator, muster-agent and muster: one file each", async () => {
    const built = await buildPrograms(undefined, programs);
    story.say(built.map(({ path }) => path).join("\n"));
  });
  const muster = new MusterCommand({ program: join(programs, "muster.mjs"), socketPath, story });
  const binDirectory = await muster.install(directory);
  const metricsUrl = await story.step("Start the coordinator", () =>
    startCoordinator(place, muster, story),
  );
  await story.step("Enrol three hosts: invite, join with the printed strings, mutual TLS", () =>
    startFleet(place, muster, story),
  );
  return { muster, metricsUrl, binDirectory, logs };
}

async function startCoordinator(
  place: Place,
  muster: MusterCommand,
  story: Story,
): Promise<string> {
  const port = String(await freePort(COORDINATOR_PORT));
  const metricsPort = String(await freePort(METRICS_PORT));
  const data = join(place.directory, "coordinator");
  await mkdir(data, { mode: 0o700 });
  const logFile = join(place.logs, "coordinator.log");
  await place.background.start("coordinator", {
    argv: [
      ...[node, join(place.programs, "muster-coordinator.mjs"), "run"],
      ...["--data-directory", data, "--socket", place.socketPath],
      ...["--agent-addresses", `https://127.0.0.1:${port}`],
      ...["--listen.host", "127.0.0.1", "--listen.port", port],
      ...["--metrics.host", "127.0.0.1", "--metrics.port", metricsPort],
    ],
    logFile,
  });
  let said: Said | undefined;
  const look = async (): Promise<boolean> => {
    place.background.checkRunning("coordinator", logFile);
    said = await muster.try(["status"]);
    return said.exitCode === 0;
  };
  await waitFor("the coordinator to serve", look, {
    timeoutMs: START_TIMEOUT_MS,
    explain: () => said?.stderr ?? "",
  });
  story.say(`it serves agents at https://127.0.0.1:${port} and people at ${place.socketPath}`);
  return `http://127.0.0.1:${metricsPort}/metrics`;
}

async function startFleet(place: Place, muster: MusterCommand, story: Story): Promise<void> {
  const joinStrings = await Promise.all(
    HOSTS.map(async (host) => {
      const words = ["host", "invite", host];
      const { joinString } = await muster.json<{ readonly joinString: string }>(words);
      // The string is a secret until it is used, so it is not shown whole.
      story.say(`$ muster ${words.join(" ")}   ${joinString.slice(0, 24)}…`);
      return joinString;
    }),
  );
  const words = ["simulate", "--join-strings", "-", "--data-directory"];
  const data = join(place.directory, "agents");
  const logFile = join(place.logs, "agents.log");
  await place.background.start("agents", {
    argv: [node, join(place.programs, "muster-agent.mjs"), ...words, data],
    logFile,
    input: `${joinStrings.join("\n")}\n`,
  });
  story.say(`$ muster-agent ${words.join(" ")} ${data}`);
  const look = async (): Promise<boolean> => {
    place.background.checkRunning("agents", logFile);
    const hosts = await muster.json<readonly { readonly state: string }[]>(["host", "ls"]);
    return hosts.filter(({ state }) => state === "online").length === HOSTS.length;
  };
  await waitFor("the hosts to be online", look, { timeoutMs: START_TIMEOUT_MS });
}

async function showMainJob({ muster }: Cluster, story: Story): Promise<void> {
  await story.step("Two networks, on every host", async () => {
    await muster.show(["network", "create", "blue", "--vlan", "10"]);
    await muster.show(["network", "create", "green", "--vlan", "20"]);
    await muster.show(["network", "ls"]);
  });
  await story.step("Place and start three VMs", async () => {
    const size = ["--cpus", "1", "--memory", "256M", "--disk", "storage=shared,size=1G"];
    const blue = [...size, "--network", "blue", "--anti-affinity", "blue"];
    await muster.show(["vm", "create", "blue-1", ...blue]);
    await muster.show(["vm", "create", "blue-2", ...blue]);
    await muster.show(["vm", "create", "green-1", ...size, "--network", "green"]);
    await muster.show(["vm", "ls"]);
  });
  await story.step("Move blue-1 live, and read its counter before, during and after", () =>
    showSimulatedMigration(muster, story),
  );
}
