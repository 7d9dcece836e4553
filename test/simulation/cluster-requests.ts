/** How operations on virtual clusters are asked for in a simulated cluster, for `operation-harness.ts`. */
import {
  VirtualClusterChange,
  type BootVirtualClusterRequest,
  type SetGroupRequest,
  type VirtualClusterSettings,
} from "@muster/proto/admin";
import { askAndWait, why, type Request, type Scene } from "./operation-request.ts";

const MIB = 1024n ** 2n;

const templateOf = (name: string) => ({
  name,
  cpus: 1,
  memoryBytes: 512n * MIB,
  disks: [{ storage: "shared", sizeBytes: 1024n * MIB, baseVolume: "" }],
  nics: [],
  kernel: undefined,
  antiAffinityGroups: [],
  cpuModel: "",
  machineType: "",
  ha: undefined,
});

/** The virtual cluster that operations are about. */
const CLUSTER = "pc";
/** Its own. */
export const CLUSTER_NETWORK = `${CLUSTER}-private`;

export const bootRequest = (change: Partial<BootVirtualClusterRequest> = {}) => ({
  name: CLUSTER,
  image: "debian",
  frontend: templateOf("frontend"),
  compute: templateOf("compute"),
  cpusTotal: 0,
  computes: 2,
  tolerate: 0,
  leaseSeconds: 0,
  leaseWarnSeconds: 0,
  why,
  ...change,
});

/** VLANs for virtual clusters. */
export async function allowClusters(
  { cluster }: Scene,
  change: Partial<VirtualClusterSettings> = {},
): Promise<void> {
  const settings: VirtualClusterSettings = {
    vlans: [{ first: 100, last: 199 }],
    uplink: "",
    hosts: [],
    hostPool: "",
    hostLabels: "",
    privateSubnet: "10.1.0.0/16",
    publicNetwork: "",
    cpusReserved: 0,
    domain: "",
    mtu: 1500,
    ...change,
  };
  await cluster.api.clusters.setVirtualClusterSettings({ settings, why }, cluster.api.context);
}

const bootCluster = async ({ cluster }: Scene): Promise<string> => {
  const { api } = cluster;
  const { operation } = await api.clusters.bootVirtualCluster(bootRequest(), api.context);
  return operation?.id ?? "";
};

const withCluster = async (scene: Scene): Promise<void> => {
  await allowClusters(scene);
  await askAndWait(scene, bootCluster);
};

const changeCluster =
  (wanted: VirtualClusterChange) =>
  async ({ cluster }: Scene): Promise<string> => {
    const { api } = cluster;
    const { operation } = await api.clusters.changeVirtualCluster(
      { name: CLUSTER, change: wanted, graceMs: 30_000, force: false, why },
      api.context,
    );
    return operation?.id ?? "";
  };

const withStoppedCluster = async (scene: Scene): Promise<void> => {
  await withCluster(scene);
  await askAndWait(scene, changeCluster(VirtualClusterChange.SHUTDOWN));
};

/** The group that operations are about; its members have addresses of no network. */
const GROUP = "farm";

export const groupRequest = (change: Partial<SetGroupRequest> = {}): SetGroupRequest => ({
  name: GROUP,
  create: true,
  profile: templateOf("profile"),
  size: 2,
  pattern: "",
  values: [],
  rebuild: false,
  graceMs: 30_000,
  force: true,
  why,
  ...change,
});

const setGroup =
  (change: Partial<SetGroupRequest>) =>
  async ({ cluster }: Scene): Promise<string> => {
    const { operation } = await cluster.api.groups.setGroup(
      groupRequest(change),
      cluster.api.context,
    );
    return operation?.id ?? "";
  };

export const clusterRequests: readonly Request[] = [
  {
    type: "group-follow",
    steps: ["follow"],
    before: (scene) => askAndWait(scene, setGroup({})),
    // Makes one member more, and the two others anew.
    ask: setGroup({
      create: false,
      size: 3,
      profile: { ...templateOf("profile"), cpus: 2 },
      rebuild: true,
    }),
  },
  {
    type: "cluster-boot",
    steps: ["make-network", "boot-frontend", "boot-computes"],
    before: allowClusters,
    ask: bootCluster,
  },
  {
    type: "cluster-grow",
    steps: ["boot-computes"],
    before: withCluster,
    ask: async ({ cluster }) => {
      const { operation } = await cluster.api.clusters.growVirtualCluster(
        { name: CLUSTER, cpusTotal: 0, computes: 2, tolerate: 0, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "cluster-shrink",
    steps: ["stop-computes", "delete-computes"],
    before: withCluster,
    ask: async ({ cluster }) => {
      const { operation } = await cluster.api.clusters.shrinkVirtualCluster(
        { name: CLUSTER, computes: 1, members: [], graceMs: 30_000, force: false, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "cluster-shutdown",
    steps: ["stop-computes", "stop-frontends"],
    before: withCluster,
    ask: changeCluster(VirtualClusterChange.SHUTDOWN),
  },
  {
    type: "cluster-start",
    steps: ["start-frontends", "start-computes"],
    before: withStoppedCluster,
    ask: changeCluster(VirtualClusterChange.START),
  },
  {
    type: "cluster-clean",
    steps: ["delete-computes", "delete-frontends", "remove-network"],
    before: withStoppedCluster,
    ask: changeCluster(VirtualClusterChange.CLEAN),
  },
];
