/** Virtual clusters for people. PURE. */
import { renderSize, renderVlans } from "@muster/model";
import type { VirtualClusterSettings } from "@muster/proto/admin";
import { renderAge, renderDuration } from "../duration.ts";
import type { ClusterMemberView, VirtualClusterView } from "../view/virtual-cluster.ts";
import type { Paint, Tone } from "./style.ts";
import { field, renderFields, renderTable } from "./table.ts";

const tones: Readonly<Record<string, Tone>> = { active: "good", broken: "bad" };

const stateCell = (state: string) => ({ text: state, tone: tones[state] ?? ("plain" as const) });

function leaseText({ leaseEndsAt }: VirtualClusterView, now: Date): string {
  if (leaseEndsAt === "") return "";
  const leftMs = Date.parse(leaseEndsAt) - now.getTime();
  return leftMs <= 0 ? "over" : `${renderDuration(leftMs)} left`;
}

const cpusOf = ({ members }: VirtualClusterView): number =>
  members.filter(({ role }) => role === "compute").reduce((sum, { cpus }) => sum + cpus, 0);

export const renderClusters = (
  clusters: readonly VirtualClusterView[],
  now: Date,
  paint: Paint,
): string =>
  renderTable<VirtualClusterView>(
    [
      { title: "NAME", cell: ({ name }) => name },
      { title: "STATE", cell: ({ state }) => stateCell(state) },
      { title: "IMAGE", cell: ({ image }) => image },
      {
        title: "COMPUTES",
        align: "right",
        cell: ({ members }) => String(members.filter(({ role }) => role === "compute").length),
      },
      { title: "CPUS", align: "right", cell: (cluster) => String(cpusOf(cluster)) },
      { title: "PUBLIC IP", cell: ({ publicAddress }) => publicAddress },
      { title: "VLAN", align: "right", cell: ({ vlan }) => (vlan === 0 ? "" : String(vlan)) },
      { title: "LEASE", align: "right", cell: (cluster) => leaseText(cluster, now) },
      { title: "AGE", align: "right", cell: ({ createdAt }) => renderAge(createdAt, now) },
    ],
    clusters,
    paint,
  );

export function renderCluster(cluster: VirtualClusterView, now: Date, paint: Paint): string {
  const fields = renderFields(
    [
      field("name", cluster.name),
      field("state", stateCell(cluster.state)),
      field("image", cluster.image),
      field("full name", cluster.fullName),
      field(
        "public",
        cluster.publicAddress === "" ? "" : `${cluster.publicAddress} on ${cluster.publicNetwork}`,
      ),
      field(
        "private",
        `${cluster.privateSubnet} on ${cluster.network}, VLAN ${String(cluster.vlan)}`,
      ),
      field(
        "lease",
        cluster.leaseEndsAt === ""
          ? "without end"
          : `ends ${cluster.leaseEndsAt} (${leaseText(cluster, now)})`,
      ),
      field("operation", cluster.operationId),
      field("booted by", cluster.createdBy),
      ...cluster.givenUp.map(({ inside, why }) => field(`gave up ${inside}`, why)),
    ],
    paint,
  );
  const members = renderTable<ClusterMemberView>(
    [
      { title: "MEMBER", cell: ({ inside }) => inside },
      { title: "VM", cell: ({ vm }) => vm },
      { title: "STATE", cell: ({ state }) => state },
      { title: "HOST", cell: ({ host }) => host },
      { title: "CPUS", align: "right", cell: ({ cpus }) => String(cpus) },
      { title: "MEMORY", align: "right", cell: ({ memoryBytes }) => renderSize(memoryBytes) },
      { title: "PRIVATE IP", cell: ({ privateAddress }) => privateAddress },
      { title: "MAC", cell: ({ privateMac }) => privateMac },
      { title: "TROUBLE", cell: ({ trouble }) => trouble },
    ],
    cluster.members,
    paint,
  );
  return `${fields}\n${members}`;
}

export function renderClusterSettings(
  settings: VirtualClusterSettings,
  left: { readonly vlansFree: number; readonly publicAddressesFree: bigint },
  paint: Paint,
): string {
  const { vlans, hosts, hostPool, hostLabels, publicNetwork } = settings;
  const where =
    hosts.length > 0
      ? hosts.join(", ")
      : hostPool !== ""
        ? `pool ${hostPool}`
        : hostLabels === ""
          ? "all hosts"
          : hostLabels;
  return renderFields(
    [
      field(
        "VLANs",
        vlans.length === 0
          ? "none: no cluster can be booted"
          : `${renderVlans(vlans)} (${String(left.vlansFree)} free)`,
      ),
      field("uplink", settings.uplink === "" ? "the agents'" : settings.uplink),
      field("hosts", where),
      field("private subnet", settings.privateSubnet),
      field(
        "public network",
        publicNetwork === ""
          ? "none"
          : `${publicNetwork} (${String(left.publicAddressesFree)} addresses free)`,
      ),
      field("CPUs reserved", `${String(settings.cpusReserved)} of each host`),
      field("domain", settings.domain),
      field("MTU", String(settings.mtu)),
    ],
    paint,
  );
}
