/** How each operation is asked for in a simulated cluster, for `operation-harness.ts`. */
import { parseVmId, type OperationRecord } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import {
  encodeHostInterfacesSpec,
  encodeNetworkSpec,
  encodeNic,
  encodeUplinkSpec,
} from "@muster/model/wire";
import { VmChange } from "@muster/proto/admin";
import { HaRestart } from "@muster/proto/types";
import { clusterRequests } from "./cluster-requests.ts";
import {
  askAndWait,
  untilEnded,
  WAIT_MS,
  why,
  type Request,
  type Scene,
} from "./operation-request.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

const MIB = 1024n ** 2n;

/** The network that operations make and delete; VMs are on another one. */
export const NEW_NETWORK = "red";

const change =
  (wanted: VmChange) =>
  async ({ cluster, vmId }: Scene): Promise<string> => {
    const { operation } = await cluster.api.vms.changeVm(
      { vm: vmId ?? "", change: wanted, graceMs: 30_000, keepVolumes: false, why },
      cluster.api.context,
    );
    return operation?.id ?? "";
  };

const createNetwork = async ({ cluster }: Scene): Promise<string> => {
  const { operation } = await cluster.api.networks.createNetwork(
    { spec: encodeNetworkSpec(aNetwork({ name: NEW_NETWORK, vlan: 20 })), why },
    cluster.api.context,
  );
  return operation?.id ?? "";
};

const setPolicy =
  (restart: HaRestart) =>
  async ({ cluster, vmId }: Scene): Promise<string> => {
    const policy = {
      restart,
      priority: 100,
      restartsMax: 0,
      windowSeconds: 0,
      runWhenIsolated: false,
      autostart: false,
    };
    const { operation } = await cluster.api.ha.setVmPolicy(
      { vm: vmId ?? "", policy, why },
      cluster.api.context,
    );
    return operation?.id ?? "";
  };

/** Of an operation that the cluster begins by itself. */
async function theFirst(cluster: SimulatedCluster, type: string): Promise<string> {
  const find = (): OperationRecord | undefined =>
    [...cluster.coordinator.ledger.view.operations.values()].find(
      (operation) => operation.type === type,
    );
  if (!(await cluster.clock.runUntil(() => find() !== undefined, WAIT_MS))) {
    throw new Error(`no ${type} began`);
  }
  return find()?.id ?? "";
}

/** What the guests of VMs with a context are told. */
export const aContextText = JSON.stringify({
  hostname: "told.example.org",
  files: [{ path: "/etc/secret", content: "canary-in-a-file\n", mode: "0600" }],
  values: { TOKEN: "canary-in-a-value" },
  commands: ["echo canary-in-a-command"],
  afterFirstBoot: "remove",
});

export const createVm =
  (name: string, context = "", stopped = false) =>
  async ({ cluster }: Scene): Promise<string> => {
    const { operation } = await cluster.api.vms.createVm(
      {
        spec: {
          name,
          cpus: 1,
          memoryBytes: 1024n * MIB,
          disks: [{ storage: "shared", sizeBytes: 1024n * MIB, baseVolume: "" }],
          nics: [encodeNic({ network: "blue" })],
          kernel: undefined,
          antiAffinityGroups: [],
          cpuModel: "",
          machineType: "",
          ha: undefined,
        },
        stopped,
        host: "h1",
        why,
        ...(context === "" ? {} : { context }),
      },
      cluster.api.context,
    );
    return operation?.id ?? "";
  };

export const requests: readonly Request[] = [
  ...clusterRequests,
  { type: "vm-create", steps: ["define", "start"], ask: createVm("new") },
  {
    type: "vm-create",
    steps: ["define", "seed", "start"],
    ask: createVm("new", aContextText),
  },
  {
    type: "vm-remove-seed",
    steps: ["remove-seed"],
    before: (scene) => askAndWait(scene, createVm("told", aContextText)),
    ask: ({ cluster }) => theFirst(cluster, "vm-remove-seed"),
  },
  { type: "vm-delete", steps: ["stop", "delete"], ask: change(VmChange.FORCE_DELETE) },
  {
    type: "vm-migrate",
    steps: ["prepare", "move", "settle", "clean"],
    ask: async ({ cluster, vmId }) => {
      const { operation } = await cluster.api.vms.migrateVm(
        {
          vm: vmId ?? "",
          host: "h2",
          bandwidthMibPerSecond: 0,
          noAutoConverge: false,
          copyStorage: false,
          downtimeLimitMs: 0,
          why,
        },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "host-drain",
    steps: ["move-vms"],
    ask: async ({ cluster }) => {
      const { operation } = await cluster.api.drains.drainHost(
        { host: "h1", copyStorage: false, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "plan-run",
    steps: ["move-vms", "verify"],
    ask: async ({ cluster }) => {
      const { api } = cluster;
      const { keptPlans } = await api.plans.askPlan(
        {
          snapshotGzip: Buffer.alloc(0),
          withinMs: 0,
          keep: true,
          placeRules: undefined,
          question: { $case: "drain", value: { hosts: ["h1"] } },
        },
        api.context,
      );
      const plan = keptPlans[0] ?? "";
      const { operation } = await api.kept.runPlan(
        { plan, replan: false, copyStorage: false, why },
        api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "host-recover",
    steps: ["fence", "restart"],
    before: async ({ cluster }) => {
      const devices = [
        { agent: "fence_simulated", parameters: { plug: "h1" }, secrets: [], viaHost: "h2" },
      ];
      await cluster.api.fenceDevices.setHostFence(
        { host: "h1", devices, why },
        cluster.api.context,
      );
    },
    ask: async ({ cluster }) => {
      const { operation } = await cluster.api.fences.fenceHost(
        { host: "h1", confirmedOff: false, force: true, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "vm-recover",
    steps: ["define", "start"],
    before: (scene) => askAndWait(scene, setPolicy(HaRestart.ON_FAILURE)),
    ask: async ({ cluster }) => {
      await cluster.powerCut("h1");
      await cluster.clock.runFor(1_000);
      await cluster.api.fences.fenceHost(
        { host: "h1", confirmedOff: true, force: false, why },
        cluster.api.context,
      );
      return theFirst(cluster, "vm-recover");
    },
  },
  {
    type: "vm-set",
    steps: ["tell-host"],
    ask: setPolicy(HaRestart.ALWAYS),
  },
  {
    type: "host-clean",
    steps: ["remove-leftovers"],
    before: async (scene) => {
      const { cluster, vmId } = scene;
      await askAndWait(scene, setPolicy(HaRestart.ON_FAILURE));
      await cluster.powerCut("h1");
      await cluster.clock.runFor(1_000);
      await cluster.api.fences.fenceHost(
        { host: "h1", confirmedOff: true, force: false, why },
        cluster.api.context,
      );
      const id = await theFirst(cluster, "vm-recover");
      await untilEnded(cluster, id);
      await cluster.clock.runUntil(
        () => cluster.world.runningOn(parseVmId(vmId ?? "")).length === 1,
        WAIT_MS,
      );
    },
    ask: async ({ cluster }) => {
      await cluster.boot("h1");
      return theFirst(cluster, "host-clean");
    },
  },
  { type: "network-create", steps: ["reach-hosts"], ask: createNetwork },
  {
    type: "network-set",
    steps: ["roll-out"],
    before: (scene) => askAndWait(scene, createNetwork),
    ask: async ({ cluster }) => {
      const spec = encodeNetworkSpec(aNetwork({ name: NEW_NETWORK, vlan: 30 }));
      const { operation } = await cluster.api.networks.setNetwork(
        { spec, keepGoing: false, overrideProtected: false, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "uplink-set",
    steps: ["roll-out"],
    ask: async ({ cluster }) => {
      const members = [{ by: "name", name: "eth1" }] as const;
      const uplink = { label: "lan", hosts: { kind: "all" }, members, mtu: 1500 } as const;
      const { operation } = await cluster.api.networks.setUplink(
        { spec: encodeUplinkSpec(uplink), keepGoing: false, overrideProtected: false, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "interfaces-set",
    steps: ["roll-out"],
    ask: async ({ cluster }) => {
      const nic = { by: "name", name: "eth0" } as const;
      const eth0 = {
        device: { kind: "nic", nic },
        source: "dhcp",
        addresses: [],
        dns: [],
      } as const;
      const spec = encodeHostInterfacesSpec({ host: "h1", bonds: [], interfaces: [eth0] });
      const { operation } = await cluster.api.networks.setHostInterfaces(
        { spec, overrideProtected: false, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "network-delete",
    steps: ["leave-hosts"],
    before: (scene) => askAndWait(scene, createNetwork),
    ask: async ({ cluster }) => {
      const { operation } = await cluster.api.networks.deleteNetwork(
        { name: NEW_NETWORK, overrideProtected: false, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "vm-start",
    steps: ["start"],
    before: (scene) => askAndWait(scene, change(VmChange.FORCE_STOP)),
    ask: change(VmChange.START),
  },
  { type: "vm-stop", steps: ["stop"], ask: change(VmChange.STOP) },
  { type: "vm-reboot", steps: ["reboot"], ask: change(VmChange.REBOOT) },
  { type: "vm-pause", steps: ["pause"], ask: change(VmChange.PAUSE) },
  {
    type: "vm-resume",
    steps: ["resume"],
    before: (scene) => askAndWait(scene, change(VmChange.PAUSE)),
    ask: change(VmChange.RESUME),
  },
];
