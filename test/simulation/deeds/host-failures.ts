/** Hosts that fail, what their owners ask for in that case, and what operators do about it. */
import { noHaPolicy, type HaPolicy } from "@muster/model";
import { encodeHaPolicy } from "@muster/model/wire";
import { HaMode } from "@muster/proto/admin";
import { anyHost, anyVm, pick, type Deed, type Scene } from "./deed.ts";
import { startAgent } from "./start-agent.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const why = undefined;

const request = (name: string, weight: number, ask: (scene: Scene) => void): Deed => ({
  name,
  weight,
  isFault: false,
  begin: (scene) => {
    if (scene.cluster.isCoordinatorUp) ask(scene);
    return undefined;
  },
});

const fault = (
  name: string,
  weight: number,
  begin: Deed["begin"],
  lastsMs: readonly [number, number],
): Deed => ({ name, weight, isFault: true, begin, lastsMs });

/** Undefined: its owner says nothing. */
export function anyPolicy(scene: Scene): HaPolicy | undefined {
  const { random } = scene;
  if (random.fraction() < 0.4) return undefined;
  const restart = pick(scene, ["never", "on-failure", "on-failure", "always"] as const) ?? "never";
  return {
    ...noHaPolicy,
    restart,
    isolation: random.fraction() < 0.7 ? "stop" : "run",
    autostart: restart === "never" && random.fraction() < 0.5,
    priority: Math.floor(random.fraction() * 1_000),
    // Histories are full of misfortune: most VMs would soon be left in error.
    restartsMax: 20,
  };
}

function setPolicy(scene: Scene): void {
  const vm = anyVm(scene);
  const policy = anyPolicy(scene);
  if (vm === undefined) return;
  const { api } = scene.cluster;
  scene.ask(`ha set ${vm.spec.name} ${policy?.restart ?? "never"}`, () =>
    api.ha.setVmPolicy(
      { vm: vm.id, policy: encodeHaPolicy(policy ?? noHaPolicy), why },
      api.context,
    ),
  );
}

function setMode(scene: Scene): void {
  const { ARMED, FREEZE, IGNORE } = HaMode;
  const mode = pick(scene, [ARMED, ARMED, ARMED, FREEZE, IGNORE]) ?? ARMED;
  const { api } = scene.cluster;
  scene.ask(`ha mode ${String(mode)}`, () => api.ha.setHa({ mode, why }, api.context));
}

function resetVm(scene: Scene): void {
  const inError = [...(scene.cluster.lastView?.vms.values() ?? [])].filter(
    ({ recovery }) => recovery?.error !== undefined,
  );
  const vm = pick(scene, inError);
  if (vm === undefined) return;
  const { api } = scene.cluster;
  scene.ask(`ha reset ${vm.spec.name}`, () => api.ha.resetVm({ vm: vm.id, why }, api.context));
}

/** A person who looks at the machine first, and tells the truth. */
function confirmOff(scene: Scene): void {
  const { cluster } = scene;
  const off = cluster.hostNames.filter((name) => !cluster.world.host(name).isPowered);
  const host = pick(scene, off);
  if (host === undefined) return;
  scene.ask(`${host} is confirmed to be off`, () =>
    cluster.api.fences.fenceHost(
      { host, confirmedOff: true, force: false, why },
      cluster.api.context,
    ),
  );
}

function fenceHost(scene: Scene): void {
  const host = anyHost(scene);
  const force = scene.random.fraction() < 0.5;
  const { api } = scene.cluster;
  scene.ask(`fence ${host}`, () =>
    api.fences.fenceHost({ host, confirmedOff: false, force, why }, api.context),
  );
}

function bootHost(scene: Scene): void {
  const { cluster } = scene;
  const host = pick(
    scene,
    cluster.hostNames.filter((name) => !cluster.world.host(name).isPowered),
  );
  if (host === undefined) return;
  scene.note(`somebody boots ${host}`);
  cluster.world.boot(host);
  startAgent(scene, host);
}

/** For longer than anybody waits; somebody boots it in the end. */
function hostDies(scene: Scene): () => void {
  const host = anyHost(scene);
  scene.note(`${host} dies`);
  void scene.cluster.powerCut(host);
  return () => {
    scene.note(`${host} boots`);
    scene.cluster.world.boot(host);
    startAgent(scene, host);
  };
}

function freezeHost(scene: Scene): (() => void) | undefined {
  const host = anyHost(scene);
  const { cluster } = scene;
  if (!cluster.world.host(host).isPowered) return undefined;
  scene.note(`${host} stands still`);
  cluster.freeze(host);
  return () => {
    scene.note(`${host} goes on`);
    cluster.thaw(host).catch((error: unknown) => {
      scene.note(`agent of ${host} does not start: ${String(error)}`);
      startAgent(scene, host);
    });
  };
}

function breakFences(scene: Scene): () => void {
  scene.note("no fence device answers");
  scene.cluster.areFenceDevicesBroken = true;
  return () => {
    scene.cluster.areFenceDevicesBroken = false;
  };
}

function isolate(scene: Scene): () => void {
  const host = anyHost(scene);
  scene.note(`${host} is cut off for long`);
  scene.cluster.cutOff(host);
  return () => {
    scene.note(`${host} is reachable again`);
    scene.cluster.reconnect(host);
  };
}

export const hostFailures: readonly Deed[] = [
  request("ha-set", 4, setPolicy),
  request("ha-mode", 1, setMode),
  request("ha-reset", 1, resetVm),
  request("confirm-off", 2, confirmOff),
  request("fence", 1, fenceHost),
  { ...request("boot", 6, bootHost), begin: (scene) => (bootHost(scene), undefined) },
  fault("host-dies", 2, hostDies, [2 * MINUTE_MS, 30 * MINUTE_MS]),
  fault("freeze-host", 3, freezeHost, [5 * SECOND_MS, 6 * MINUTE_MS]),
  fault("fences-broken", 1, breakFences, [MINUTE_MS, 20 * MINUTE_MS]),
  fault("isolate", 2, isolate, [MINUTE_MS, 15 * MINUTE_MS]),
];
