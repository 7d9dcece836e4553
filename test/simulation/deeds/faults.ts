/** What goes wrong. Each ends by itself, or when the history is healed. */
import { fairWeather, type Way } from "../simulated-network.ts";
import type { Weather } from "../link-direction.ts";
import { anyHost, anyVm, pick, type Deed, type Scene } from "./deed.ts";
import { startAgent } from "./start-agent.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const fault = (
  name: string,
  weight: number,
  begin: Deed["begin"],
  lastsMs?: readonly [number, number],
): Deed => ({ name, weight, isFault: true, begin, ...(lastsMs === undefined ? {} : { lastsMs }) });

function killCoordinator(scene: Scene): () => void {
  scene.note("kill -9 coordinator");
  scene.cluster.killCoordinator();
  return () => {
    scene.note("coordinator starts");
    void scene.cluster.startCoordinator();
  };
}

function killAgent(scene: Scene): () => void {
  const host = anyHost(scene);
  scene.note(`kill -9 agent of ${host}`);
  void scene.cluster.killAgent(host);
  return () => {
    scene.note(`agent of ${host} starts`);
    startAgent(scene, host);
  };
}

/** The worst moment: libvirt was told something, and what came of it is not in the journal. */
function killAgentAtAct(scene: Scene): () => void {
  const host = anyHost(scene);
  const delayMs = Math.round(scene.random.fraction() ** 3 * 10 * SECOND_MS);
  scene.note(`agent of ${host} dies ${String(delayMs)} ms after it next has something done`);
  scene.cluster.killAgentAtAct(host, delayMs);
  return () => {
    scene.note(`agent of ${host} starts, if it died`);
    scene.cluster.spareAgent(host);
    startAgent(scene, host);
  };
}

/** Before what it decided is durable, or before it knows that it is. */
function killCoordinatorAtWrite(scene: Scene): () => void {
  const { cluster, random } = scene;
  const when = random.fraction() < 0.5 ? "before" : "after";
  const writesLeft = Math.floor(random.fraction() * 6);
  scene.note(`coordinator dies ${when} one of its next writes is durable`);
  cluster.storeTrouble.crash = {
    writesLeft,
    when,
    die: () => {
      scene.note(`coordinator dies ${when} a write`);
      cluster.killCoordinator();
    },
  };
  return () => {
    delete cluster.storeTrouble.crash;
    scene.note("coordinator starts, if it died");
    void cluster.startCoordinator();
  };
}

function restartLibvirtd(scene: Scene): undefined {
  const host = anyHost(scene);
  scene.note(`restart libvirtd of ${host}`);
  scene.cluster.world.libvirtd(host, "restart");
}

function killLibvirtd(scene: Scene): () => void {
  const host = anyHost(scene);
  scene.note(`kill -9 libvirtd of ${host}`);
  scene.cluster.world.libvirtd(host, "kill");
  return () => {
    scene.cluster.world.libvirtd(host, "start");
  };
}

function freezeLibvirtd(scene: Scene): () => void {
  const host = anyHost(scene);
  scene.note(`libvirtd of ${host} does not answer`);
  scene.cluster.world.libvirtd(host, "freeze");
  return () => {
    scene.note(`libvirtd of ${host} answers again`);
    scene.cluster.world.libvirtd(host, "thaw");
  };
}

function powerCut(scene: Scene): () => void {
  const host = anyHost(scene);
  scene.note(`power cut of ${host}`);
  void scene.cluster.powerCut(host);
  return () => {
    scene.note(`${host} boots`);
    scene.cluster.world.boot(host);
    startAgent(scene, host);
  };
}

function cutOff(scene: Scene): () => void {
  const host = anyHost(scene);
  scene.note(`cut ${host} off`);
  scene.cluster.cutOff(host);
  return () => {
    scene.note(`${host} is reachable again`);
    scene.cluster.reconnect(host);
  };
}

function blockOneWay(scene: Scene): () => void {
  const host = anyHost(scene);
  const way: Way = scene.random.fraction() < 0.5 ? "up" : "down";
  scene.note(`nothing passes ${way === "up" ? "from" : "to"} ${host}`);
  scene.cluster.network.block(host, way);
  return () => {
    scene.cluster.network.unblock(host, way);
  };
}

function cutHostLink(scene: Scene): (() => void) | undefined {
  const [one, other] = [anyHost(scene), anyHost(scene)];
  if (one === other) return undefined;
  scene.note(`${one} and ${other} cannot reach each other`);
  scene.cluster.world.cutLink(one, other);
  return () => {
    scene.cluster.world.healLink(one, other);
  };
}

const weathers: readonly (readonly [string, Weather])[] = [
  ["slow", { ...fairWeather, latencyMinMs: 200, latencySpreadMs: 3_000 }],
  ["lossy", { ...fairWeather, lossFraction: 0.3 }],
  ["repeating", { ...fairWeather, repeatFraction: 0.3 }],
  ["disorderly", { ...fairWeather, latencySpreadMs: 100, overtakeFraction: 0.3 }],
];

function badWeather(scene: Scene): () => void {
  const host = anyHost(scene);
  const [word, weather] = pick(scene, weathers) ?? ["fair", fairWeather];
  scene.note(`the link of ${host} is ${word}`);
  scene.cluster.network.setWeather(host, weather);
  return () => {
    scene.cluster.network.setWeather(host, fairWeather);
  };
}

function journalDisk(scene: Scene): () => void {
  const host = anyHost(scene);
  const trouble = scene.random.fraction() < 0.7 ? "full" : "read-only";
  scene.note(`the disk of the agent of ${host} is ${trouble}`);
  scene.cluster.diskOf(host).setTrouble(trouble);
  return () => {
    scene.cluster.diskOf(host).setTrouble(undefined);
  };
}

function storeDisk(scene: Scene): () => void {
  scene.note("the coordinator's disk is full");
  scene.cluster.storeTrouble.isFull = true;
  return () => {
    scene.note("the coordinator's disk has room again");
    scene.cluster.storeTrouble.isFull = false;
  };
}

function setClock(scene: Scene): undefined {
  const byMs = Math.round((scene.random.fraction() - 0.5) * 48 * 60 * MINUTE_MS);
  const isCoordinator = scene.random.fraction() < 0.3;
  const host = anyHost(scene);
  scene.note(`the clock of ${isCoordinator ? "the coordinator" : host} jumps ${String(byMs)} ms`);
  (isCoordinator ? scene.cluster.coordinatorClock : scene.cluster.clockOf(host)).jump(byMs);
}

function virsh(scene: Scene): undefined {
  const vm = anyVm(scene);
  const host = vm === undefined ? undefined : scene.cluster.world.runningOn(vm.id)[0];
  if (vm === undefined || host === undefined) return;
  const command = pick(scene, ["destroy", "suspend", "resume", "crash", "shutdown"] as const);
  if (command === undefined) return;
  scene.note(`virsh ${command} ${vm.spec.name} on ${host}`);
  scene.cluster.world.virsh(host, vm.id, command);
}

function inject(scene: Scene): undefined {
  const host = anyHost(scene);
  const effect = pick(scene, [
    { kind: "fail" },
    { kind: "lose-answer" },
    { kind: "slow", extraMs: 5_000 },
    { kind: "slow", extraMs: 90_000 },
  ] as const);
  if (effect === undefined) return;
  const times = 1 + Math.floor(scene.random.fraction() * 3);
  scene.note(`next ${String(times)} calls on ${host}: ${effect.kind}`);
  scene.cluster.world.inject(host, { operation: "any", times, effect });
}

function hang(scene: Scene): () => void {
  const host = anyHost(scene);
  const operation = pick(scene, ["define", "start", "observe", "migrate", "list", "any"] as const);
  scene.note(`${operation ?? ""} on ${host} hangs`);
  const effect = { kind: "hang" } as const;
  scene.cluster.world.inject(host, { operation: operation ?? "any", times: 1, effect });
  return () => {
    scene.cluster.world.clearFaults(host);
  };
}

function busyGuest(scene: Scene): (() => void) | undefined {
  const vm = anyVm(scene);
  if (vm === undefined) return undefined;
  const { world } = scene.cluster;
  scene.note(`${vm.spec.name} writes much memory`);
  world.setGuest(vm.id, { dirtyBytesPerSecond: 3_000n * 1024n ** 2n });
  return () => {
    world.setGuest(vm.id, { dirtyBytesPerSecond: 20n * 1024n ** 2n });
  };
}

function deafGuest(scene: Scene): (() => void) | undefined {
  const vm = anyVm(scene);
  if (vm === undefined) return undefined;
  const { world } = scene.cluster;
  world.setGuest(vm.id, { ignoresShutdown: true });
  return () => {
    world.setGuest(vm.id, { ignoresShutdown: false });
  };
}

export const faults: readonly Deed[] = [
  fault("kill-coordinator", 3, killCoordinator, [0, 30 * SECOND_MS]),
  fault("coordinator-away", 1, killCoordinator, [MINUTE_MS, 15 * MINUTE_MS]),
  fault("kill-agent", 5, killAgent, [0, 20 * SECOND_MS]),
  fault("agent-away", 1, killAgent, [MINUTE_MS, 15 * MINUTE_MS]),
  fault("kill-agent-at-act", 4, killAgentAtAct, [10 * SECOND_MS, 2 * MINUTE_MS]),
  fault("kill-coordinator-at-write", 3, killCoordinatorAtWrite, [5 * SECOND_MS, MINUTE_MS]),
  fault("restart-libvirtd", 3, restartLibvirtd),
  fault("kill-libvirtd", 2, killLibvirtd, [SECOND_MS, 3 * MINUTE_MS]),
  fault("freeze-libvirtd", 2, freezeLibvirtd, [SECOND_MS, 3 * MINUTE_MS]),
  fault("power-cut", 2, powerCut, [5 * SECOND_MS, 5 * MINUTE_MS]),
  fault("cut-off", 3, cutOff, [SECOND_MS, 3 * MINUTE_MS]),
  fault("one-way", 3, blockOneWay, [SECOND_MS, 3 * MINUTE_MS]),
  fault("host-link", 2, cutHostLink, [SECOND_MS, 5 * MINUTE_MS]),
  fault("weather", 4, badWeather, [10 * SECOND_MS, 10 * MINUTE_MS]),
  fault("journal-disk", 2, journalDisk, [SECOND_MS, 5 * MINUTE_MS]),
  fault("store-disk", 2, storeDisk, [SECOND_MS, 2 * MINUTE_MS]),
  fault("clock-jump", 2, setClock),
  fault("virsh", 3, virsh),
  fault("inject", 4, inject),
  fault("hang", 3, hang, [SECOND_MS, 5 * MINUTE_MS]),
  fault("busy-guest", 3, busyGuest, [MINUTE_MS, 20 * MINUTE_MS]),
  fault("deaf-guest", 1, deafGuest, [MINUTE_MS, 10 * MINUTE_MS]),
];
