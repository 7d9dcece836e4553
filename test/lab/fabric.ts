/** The fabric: the switches that join the machines, their cables, and the shared storage. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cables, FABRIC, macOf, type Cable } from "./addresses.ts";
import { run } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";
import { initOf, isOn, machineSays, switchOn } from "./machine-power.ts";

/** The trunk is larger, so that VMs keep 1500 bytes inside an encapsulation. */
const mtus: Readonly<Record<Cable, number>> = { mgmt: 1500, data: 1600 };

/** Starts the switches and the shared storage, unless they are there. */
export async function startFabric(paths: LabPaths): Promise<void> {
  const ready = join(paths.machine(FABRIC), "ready");
  if (!isOn(paths, FABRIC)) {
    await rm(ready, { force: true });
    for (const directory of [paths.machine(FABRIC), paths.shared, join(paths.directory, "nas")]) {
      await mkdir(directory, { recursive: true });
    }
    await switchOn(paths, {
      name: FABRIC,
      kind: "fabric",
      init: ["fabric-init.sh", paths.directory],
    });
  }
  await machineSays(paths, FABRIC, ready);
}

const inFabric = (paths: LabPaths): readonly string[] => [
  "nsenter",
  "-t",
  String(initOf(paths, FABRIC)),
  "-n",
];

const portOf = (machine: string, cable: Cable): string => `${machine}-${cable}`;

/** Connects a machine's network card (eth0, eth1) to the switch of that name, anew if it was connected. */
export async function plug(paths: LabPaths, machine: string, cable: Cable): Promise<void> {
  const port = portOf(machine, cable);
  const enter = inFabric(paths);
  const card = ["name", `eth${cables.indexOf(cable)}`, "address", macOf(machine, cable)];
  await run([...enter, "ip", "link", "del", port], { check: false });
  await run([
    ...[...enter, "ip", "link", "add", port, "type", "veth", "peer", ...card],
    ...["netns", String(initOf(paths, machine))],
  ]);
  await run([
    ...enter,
    "ip",
    "link",
    "set",
    port,
    "mtu",
    String(mtus[cable]),
    "master",
    cable,
    "up",
  ]);
}

/** Cuts or heals one cable. */
export async function setCable(
  paths: LabPaths,
  machine: string,
  cable: Cable,
  state: "up" | "down",
): Promise<void> {
  await run([...inFabric(paths), "ip", "link", "set", portOf(machine, cable), state]);
}

/** What a wrong line in a switch's configuration does: frames of one VLAN are not carried to and from a machine. */
export async function setVlan(
  paths: LabPaths,
  machine: string,
  vlan: number,
  state: "up" | "down",
): Promise<void> {
  const enter = inFabric(paths);
  const table = `${machine}-${String(vlan)}`;
  // Fails when nothing was cut, which is as good.
  await run([...enter, "nft", "delete", "table", "bridge", table], { check: false });
  if (state === "up") return;
  const port = portOf(machine, "data");
  const drop = (side: "iifname" | "oifname"): string =>
    `${side} "${port}" ether type vlan vlan id ${String(vlan)} drop`;
  const hook = "type filter hook forward priority 0; policy accept;";
  const chain = [hook, drop("iifname"), drop("oifname")].join("\n");
  const rules = `table bridge ${table} {\nchain forward {\n${chain}\n}\n}\n`;
  await run([...enter, "nft", "-f", "-"], { input: rules });
}

/** Limits the management network of a machine, in both directions; 0 takes the limit away. */
export async function limitBandwidth(
  paths: LabPaths,
  machine: string,
  megabitsPerSecond: number,
): Promise<void> {
  const ends: [enter: readonly string[], device: string][] = [
    [inFabric(paths), portOf(machine, "mgmt")],
    [["nsenter", "-t", String(initOf(paths, machine)), "-n"], "eth0"],
  ];
  for (const [enter, device] of ends) {
    // Fails when there was no limit, which is as good.
    await run([...enter, "tc", "qdisc", "del", "dev", device, "root"], { check: false });
    if (megabitsPerSecond === 0) continue;
    const rate = ["rate", `${megabitsPerSecond}mbit`, "burst", "64kb", "latency", "200ms"];
    await run([...enter, "tc", "qdisc", "add", "dev", device, "root", "tbf", ...rate]);
  }
}

/** Stops the shared storage of all hosts, as a hanging file server does, or lets it go on. */
export async function setStorage(paths: LabPaths, state: "hang" | "resume"): Promise<void> {
  const pidFile = join(paths.machine(FABRIC), "bindfs.pid");
  if (!existsSync(pidFile)) throw new Error("the lab has no shared storage");
  const signal = state === "hang" ? "-STOP" : "-CONT";
  const enter = ["nsenter", "-t", String(initOf(paths, FABRIC)), "-m", "-p"];
  // The pid is that inside the fabric.
  await run([...enter, "--", "kill", signal, readFileSync(pidFile, "utf8").trim()]);
}
