/** What people ask for. A new operation type gets its deed here, and is then tried in the middle of everything. */
import { isEnded, parseJoinString } from "@muster/model";
import { VmChange } from "@muster/proto/admin";
import {
  createNetworkRequest,
  setNetworkRequest,
  createVmRequest,
  drainHostRequest,
  migrateVmRequest,
} from "../requests.ts";
import { anyHost, anyVm, pick, type Deed, type Scene } from "./deed.ts";
import { anyPolicy } from "./host-failures.ts";

const MIB = 1024n ** 2n;
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

function createVm(scene: Scene): void {
  const { cluster, random } = scene;
  const name = scene.newName("vm");
  const { api } = cluster;
  const hasGroup = random.fraction() < 0.2;
  const wanted = createVmRequest({
    name,
    cpus: 1 + Math.floor(random.fraction() * 4),
    memoryBytes: 512n * MIB * BigInt(1 + Math.floor(random.fraction() * 8)),
    storage: "shared",
    networks: ["blue"],
    antiAffinityGroups: hasGroup ? ["pair"] : [],
    stopped: random.fraction() < 0.1,
    host: random.fraction() < 0.1 ? anyHost(scene) : "",
    policy: anyPolicy(scene),
  });
  scene.ask(`create ${name}`, () => api.vms.createVm(wanted, api.context));
}

function migrateVm(scene: Scene): void {
  const vm = anyVm(scene);
  if (vm === undefined) return;
  const { api } = scene.cluster;
  const host = scene.random.fraction() < 0.2 ? anyHost(scene) : "";
  scene.ask(`migrate ${vm.spec.name} ${host}`, () =>
    api.vms.migrateVm(migrateVmRequest(vm.id, { host }), api.context),
  );
}

const change = (name: string, weight: number, wanted: VmChange): Deed =>
  request(name, weight, (scene) => {
    const vm = anyVm(scene);
    if (vm === undefined) return;
    const { api } = scene.cluster;
    scene.ask(`${name} ${vm.spec.name}`, () =>
      api.vms.changeVm(
        { vm: vm.id, change: wanted, graceMs: 20_000, keepVolumes: false, why },
        api.context,
      ),
    );
  });

function cancelOperation(scene: Scene): void {
  const operations = [...(scene.cluster.lastView?.operations.values() ?? [])];
  const operation = pick(
    scene,
    operations.filter(({ state }) => !isEnded(state)),
  );
  if (operation === undefined) return;
  const { api } = scene.cluster;
  scene.ask(`cancel ${operation.id} (${operation.type})`, () =>
    api.operations.cancelOperation({ id: operation.id, why }, api.context),
  );
}

function drainHost(scene: Scene): void {
  const host = anyHost(scene);
  const { api } = scene.cluster;
  scene.ask(`drain ${host}`, () => api.drains.drainHost(drainHostRequest(host), api.context));
}

/** Opens a host that was closed by a drain; the drain may go on. */
function openHost(scene: Scene): void {
  const hosts = [...(scene.cluster.lastView?.hosts.values() ?? [])];
  const closed = pick(
    scene,
    hosts.filter(({ cordoned }) => cordoned),
  );
  if (closed === undefined) return;
  const { api } = scene.cluster;
  scene.ask(`uncordon ${closed.name}`, () =>
    api.hosts.setHostCordon({ host: closed.id, cordoned: false, why }, api.context),
  );
}

function createNetwork(scene: Scene): void {
  const name = pick(scene, ["red", "green", "white"]) ?? "red";
  const vlan = 20 + Math.floor(scene.random.fraction() * 3);
  const { api } = scene.cluster;
  scene.ask(`network create ${name}`, () =>
    api.networks.createNetwork(createNetworkRequest(name, vlan), api.context),
  );
}

function deleteNetwork(scene: Scene): void {
  const name = pick(scene, ["red", "green", "white", "blue"]) ?? "red";
  const { api } = scene.cluster;
  scene.ask(`network delete ${name}`, () =>
    api.networks.deleteNetwork({ name, overrideProtected: false, why }, api.context),
  );
}

/** Another VLAN, which the switch port of one host may not carry. */
function setNetwork(scene: Scene): (() => void) | undefined {
  const { cluster, random } = scene;
  if (!cluster.isCoordinatorUp) return undefined;
  const name = pick(scene, ["red", "green", "white", "blue"]) ?? "red";
  const vlan = 30 + Math.floor(random.fraction() * 20);
  const host = anyHost(scene);
  // What it has already is no change of its own that it could undo.
  const isThere = cluster.networksOf(host).networks.get(name)?.vlan === vlan;
  const isCarried = random.fraction() < 0.5 || isThere;
  if (!isCarried) cluster.networksOf(host).cutOffWith(name, vlan);
  scene.ask(
    `network set ${name} to VLAN ${String(vlan)}${isCarried ? "" : ` (not on ${host})`}`,
    () => cluster.api.networks.setNetwork(setNetworkRequest(name, vlan), cluster.api.context),
  );
  return () => {
    if (!isCarried) cluster.networksOf(host).healNetwork(name);
  };
}

/** One that has VMs is refused, so mostly one that has none, or that somebody empties by force. */
function removeHost(scene: Scene): void {
  const { api, lastView: view } = scene.cluster;
  const empty = [...(view?.hosts.values() ?? [])].filter(({ id }) => view?.vmsOn(id).size === 0);
  const host = pick(scene, empty)?.name ?? anyHost(scene);
  scene.ask(`host remove ${host}`, () =>
    api.hosts.removeHost({ host, forgetVms: false, why }, api.context),
  );
}

/** A host that was removed comes back as a new one. */
function enrolHost(scene: Scene): void {
  const { cluster } = scene;
  const names = new Set([...(cluster.lastView?.hosts.values() ?? [])].map(({ name }) => name));
  const missing = cluster.hostNames.find((name) => !names.has(name));
  if (missing === undefined) return;
  scene.ask(`host ${missing} joins again`, () => cluster.enrolAgain(missing));
}

function inviteHost(scene: Scene): void {
  const name = scene.newName("new");
  const { api } = scene.cluster;
  scene.ask(`host invite ${name}`, async () => {
    const answer = await api.hosts.inviteHost({ name, validSeconds: 600, why }, api.context);
    scene.cluster.secrets.keep(parseJoinString(answer.joinString).secret);
    return answer;
  });
}

export const requests: readonly Deed[] = [
  request("create", 20, createVm),
  request("migrate", 16, migrateVm),
  change("stop", 5, VmChange.STOP),
  change("force-stop", 3, VmChange.FORCE_STOP),
  change("start", 6, VmChange.START),
  change("reboot", 4, VmChange.REBOOT),
  change("reset", 2, VmChange.FORCE_REBOOT),
  change("pause", 2, VmChange.PAUSE),
  change("resume", 4, VmChange.RESUME),
  change("delete", 2, VmChange.DELETE),
  change("force-delete", 5, VmChange.FORCE_DELETE),
  request("cancel", 4, cancelOperation),
  request("drain", 3, drainHost),
  request("uncordon", 4, openHost),
  request("network-create", 2, createNetwork),
  request("network-delete", 2, deleteNetwork),
  { name: "network-set", weight: 2, isFault: false, begin: setNetwork, lastsMs: [60_000, 300_000] },
  request("host-remove", 2, removeHost),
  request("host-join", 3, enrolHost),
  request("host-invite", 1, inviteHost),
];
