/** The quickstart on real libvirt, QEMU and Open vSwitch: three hosts as namespaces of this machine. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MusterLab } from "../../test/lab/muster-lab.ts";
import { buildPrograms } from "../build.ts";
import { missingForLab } from "../test/lab-needs.ts";
import { quickstart, type Choices } from "./choices.ts";
import { backgroundOf, removePlace } from "./down.ts";
import { freePort } from "./free-port.ts";
import { createGuests, showMigration, showReachability } from "./guests.ts";
import { MusterCommand, node } from "./muster-command.ts";
import { showCluster, tellWhatNext, type Cluster } from "./overview.ts";
import type { Story } from "./story.ts";

const HOSTS = 3;
/** The coordinator's own, in its namespace. */
const METRICS_PORT = 7480;

const INTRODUCTION = `muster quickstart: a coordinator and three hosts on this machine.
Every host is a set of Linux namespaces with its own libvirtd, QEMU and Open vSwitch. Nothing outside
the directory below is changed, no service is started or enabled, no network of yours is touched.`;

export async function runOnLab(choices: Choices, story: Story): Promise<void> {
  const { directory } = choices;
  story.tell(`${INTRODUCTION}\nDirectory: ${directory}`);
  await story.step("Look at this machine", async () => {
    const missing = missingForLab();
    if (missing.length > 0) throw new Error(explainMissing(missing));
    story.say(
      "root, and all of Debian's packages that scripts/debian-packages.txt names and explains",
    );
  });
  if (existsSync(directory)) {
    await story.step("Stop and remove the cluster of an earlier quickstart", () =>
      removePlace(directory),
    );
  }
  story.logs = join(directory, "log");
  story.stop = quickstart(choices, "down");
  const lab = await story.step("Three hosts: namespaces, libvirtd, switches, storage", () =>
    MusterLab.prepare({
      hosts: HOSTS,
      directory,
      programs: join(directory, "programs"),
      report: (line) => {
        story.say(line);
      },
    }),
  );
  const cluster = await startMuster(lab, story);
  await showMainJob(lab, cluster, story);
  await story.step("The cluster now", () => showCluster(cluster, story));
  const more = [
    `  npm run lab -- --dir ${directory} virsh h1 list --all          what libvirt itself says`,
    `  npm run lab -- --dir ${directory} gexec HOST blue-2 /bin/ping -c 2 10.10.0.1`,
    "                                            a program inside a guest; HOST: see vm ls",
  ];
  tellWhatNext({ cluster, choices, story, more });
}

function explainMissing(missing: readonly string[]): string {
  const lines = missing.map((reason) => `  ${reason}`);
  return [
    "real hypervisors cannot run here:",
    ...lines,
    "as root, npm run quickstart installs what is missing; without root: npm run quickstart -- --simulated",
  ].join("\n");
}

async function startMuster(lab: MusterLab, story: Story): Promise<Cluster> {
  const { directory } = lab.lab;
  const programs = join(directory, "programs");
  await story.step("Build muster-coordinator, muster-agent and muster: one file each", async () => {
    const built = await buildPrograms(undefined, programs);
    story.say(built.map(({ path }) => path).join("\n"));
  });
  const { socketPath } = lab;
  const muster = new MusterCommand({ program: join(programs, "muster.mjs"), socketPath, story });
  const binDirectory = await muster.install(directory);
  const metricsUrl = await story.step("Start the coordinator", async () => {
    await lab.startCoordinator();
    const port = await forwardMetrics(lab);
    story.say(`it runs in the namespace ctl, at ${lab.lab.control.address}`);
    return `http://127.0.0.1:${String(port)}/metrics`;
  });
  await story.step(
    "Enrol the hosts: invite, join with the printed string, mutual TLS",
    async () => {
      await Promise.all(lab.lab.hosts.map(({ name }) => enrol(lab, muster, story, name)));
      await lab.waitForHosts();
    },
  );
  return { muster, metricsUrl, binDirectory, logs: join(directory, "log") };
}

async function enrol(
  lab: MusterLab,
  muster: MusterCommand,
  story: Story,
  host: string,
): Promise<void> {
  const { joinString } = await muster.json<{ readonly joinString: string }>([
    "host",
    "invite",
    host,
  ]);
  const { stdout } = await lab.join(host, joinString);
  // The string is a secret until it is used, so it is not shown whole.
  story.say(`$ muster host invite ${host}   ${joinString.slice(0, 24)}…`);
  story.say(`${host}$ muster-agent join -   ${stdout.split(";")[0] ?? ""}`);
  await lab.startAgent(host);
}

/** The coordinator's /metrics, reachable from here: two forwarders, joined by a socket in the file system. */
async function forwardMetrics(lab: MusterLab): Promise<number> {
  const { directory, control } = lab.lab;
  const forwarder = join(import.meta.dirname, "forward.ts");
  const socket = join(directory, "muster/metrics.sock");
  const description = join(directory, "lab.json");
  const inside = ["unix:" + socket, `tcp:127.0.0.1:${String(METRICS_PORT)}`, description];
  const logFile = join(directory, "log/forward.log");
  control.spawn([node, forwarder, ...inside], { logFile });
  const port = await freePort(METRICS_PORT);
  await backgroundOf(directory).start("metrics", {
    argv: [node, forwarder, `tcp:127.0.0.1:${String(port)}`, `unix:${socket}`, description],
    logFile,
  });
  return port;
}

async function showMainJob(lab: MusterLab, { muster }: Cluster, story: Story): Promise<void> {
  await story.step("Two networks, on every host", async () => {
    await muster.show(["network", "create", "blue", "--vlan", "10"]);
    await muster.show(["network", "create", "green", "--vlan", "20"]);
    await muster.show(["network", "ls"]);
  });
  const guests = await story.step(
    "Place and start three VMs, and wait until their guests are up",
    () => createGuests({ lab, muster, story }),
  );
  await story.step("Who reaches whom: ping and TCP from inside the guests", () =>
    showReachability({ lab, muster, story, guests }),
  );
  await story.step("Move blue-1 live, and read its counter before, during and after", () =>
    showMigration({ lab, muster, story, guests }),
  );
}
