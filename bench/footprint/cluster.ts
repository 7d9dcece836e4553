/**
 * The daemons as they are deployed, on the lab: an agent that samples 50 VMs of libvirt's test driver every 5 s, an idle
 * coordinator of three hosts, and how long a restarted coordinator takes to know everything again.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MusterLab } from "../../test/lab/muster-lab.ts";
import { measureRunning } from "./measure.ts";
import type { Row } from "./rows.ts";

const VMS = 50;
const SETTLE_MS = 15_000;
const WINDOW_MS = 60_000;
const MEGABYTE = 1_000_000;

const domainXml = (number: number): string =>
  `<domain type='test'><name>wild-${String(number)}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>` +
  "<os><type>hvm</type></os></domain>";

/** Domains in the state that every connection to this libvirtd's test driver shares. */
async function defineVms(muster: MusterLab): Promise<void> {
  const host = muster.lab.host("h1");
  const commands: string[] = [];
  for (let number = 1; number <= VMS; number += 1) {
    const path = join(muster.lab.directory, `shared/wild-${String(number)}.xml`);
    await writeFile(path, domainXml(number));
    commands.push(`create /srv/shared/wild-${String(number)}.xml`);
  }
  await host.exec([
    "virsh",
    "-c",
    "test+unix:///default?socket=/run/libvirt/libvirt-sock",
    commands.join("; "),
  ]);
}

async function startUpMs(muster: MusterLab): Promise<number> {
  const beganMs = performance.now();
  await muster.lab.host("h1").exec(muster.agentCommand(["version"]));
  return performance.now() - beganMs;
}

async function measureAgent(muster: MusterLab): Promise<Row[]> {
  const startMs = await startUpMs(muster);
  await muster.agent("h1").stop();
  await muster.startAgent("h1", { "libvirt.uri": "test:///default" });
  await muster.waitForHosts();
  await defineVms(muster);
  await muster.eventually(30_000, async () => {
    const { vms } = await muster.json<{ readonly vms: readonly unknown[] }>(["host", "show", "h1"]);
    return vms.length >= VMS;
  });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const used = await measureRunning(await muster.agent("h1").pid(), WINDOW_MS);
  return [
    { what: "agent start-up", measured: startMs, unit: "ms", limit: "1000" },
    { what: "agent resident", measured: used.residentBytes / MEGABYTE, unit: "MB", limit: "80" },
    { what: "agent private", measured: used.privateBytes / MEGABYTE, unit: "MB", limit: "30" },
    {
      what: `agent CPU, ${String(VMS)} VMs`,
      measured: used.cpuShare * 100,
      unit: "%",
      limit: "0.5",
    },
  ];
}

async function measureCoordinator(muster: MusterLab): Promise<Row[]> {
  const used = await measureRunning(await muster.coordinator.pid(), 10_000);
  await muster.coordinator.kill("SIGKILL");
  await muster.coordinator.exited;
  const beganMs = performance.now();
  await muster.startCoordinator();
  const servingMs = performance.now() - beganMs;
  await muster.waitForHosts();
  const knownMs = performance.now() - beganMs;
  return [
    {
      what: "coordinator resident",
      measured: used.residentBytes / MEGABYTE,
      unit: "MB",
      limit: undefined,
    },
    { what: "restart: serving", measured: servingMs, unit: "ms", limit: undefined },
    { what: "restart: all known", measured: knownMs, unit: "ms", limit: "5000" },
  ];
}

export async function measureCluster(): Promise<Row[]> {
  await using muster = await MusterLab.up({
    hosts: 3,
    directory: "/tmp/muster-footprint",
    report: (line) => {
      console.log(line);
    },
  });
  const coordinator = await measureCoordinator(muster);
  return [...(await measureAgent(muster)), ...coordinator];
}
