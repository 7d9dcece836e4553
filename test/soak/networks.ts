/**
 * The 200 random configurations of hosts' networks, each made twice, reached from another one and removed by an agent that
 * dies after every change: on Debian's kernel in the kernel lab, and on this machine's Open vSwitch.
 */
import { tryOnOpenvswitch } from "../../packages/agent/src/networks/testing/openvswitch-configurations.ts";
import { openvswitchObstacle } from "../../packages/agent/src/networks/testing/private-openvswitch.ts";
import { Cluster } from "../lab/cluster.ts";
import { CONFIRM_MS, CutOff, faults, GRACE_MS } from "../lab/cut-off.ts";
import { runHostNetworks } from "../kernel-lab/run-host-networks.ts";

/** A machine of the kernel lab runs so many; then comes a new one. */
const AT_ONCE = 20;
const AT_ONCE_MS = 30 * 60_000;

export interface NetworkSoak {
  readonly first: number;
  readonly count: number;
  readonly print: (line: string) => void;
}

/** True: all were good. */
export async function soakNetworks({ first, count, print }: NetworkSoak): Promise<boolean> {
  const isKernelGood = await soakKernel({ first, count, print });
  return (await soakOpenvswitch({ first, count, print })) && isKernelGood;
}

async function soakKernel({ first, count, print }: NetworkSoak): Promise<boolean> {
  for (let next = first; next < first + count; next += AT_ONCE) {
    const part = { first: next, count: Math.min(AT_ONCE, first + count - next) };
    const { exitCode, log } = await runHostNetworks(part, AT_ONCE_MS);
    const lines = log.split("\n");
    for (const line of lines) if (/^(not )?ok -|^#/.test(line)) print(line);
    if (exitCode === 0) continue;
    print(log);
    return false;
  }
  return true;
}

async function soakOpenvswitch({ first, count, print }: NetworkSoak): Promise<boolean> {
  const obstacle = openvswitchObstacle();
  if (obstacle !== undefined) {
    print(`Open vSwitch is not tested: ${obstacle}`);
    return true;
  }
  try {
    const { configurations, interruptions } = await tryOnOpenvswitch({ first, count }, print);
    print(`# ${String(configurations)} configurations, ${String(interruptions)} interruptions`);
    return true;
  } catch (error) {
    print(String(error));
    return false;
  }
}

const ROUNDS = 10;

/** Cuts a host off ten times for each fault; true: it came back in time, each time. */
export async function soakCutOff(print: NetworkSoak["print"]): Promise<boolean> {
  await using cluster = await Cluster.up({
    hosts: 1,
    directory: "/tmp/muster-cut-off-soak",
    coordinatorOptions: { "sessions.network-confirm": `${String(CONFIRM_MS)}ms` },
  });
  const cutOff = new CutOff(cluster, "h1");
  await cutOff.prepare();
  let late = 0;
  for (const fault of faults) {
    const times: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const backMs = await cutOff.round(fault);
      if (backMs > CONFIRM_MS + GRACE_MS) late += 1;
      times.push((backMs / 1000).toFixed(1));
    }
    print(`${fault}: back after ${times.join(", ")} s`);
  }
  print(`# ${String(late)} of ${String(faults.length * ROUNDS)} came back late`);
  return late === 0;
}
