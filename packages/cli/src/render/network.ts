/** Networks for people. PURE. */
import { MTU_DEFAULT_BYTES } from "@muster/model";
import { renderAge } from "../duration.ts";
import type { NetworkOnHostView, NetworkView } from "../view/network.ts";
import { toneOf, type Paint } from "./style.ts";
import { field, renderFields, renderTable, type Cell, type Column } from "./table.ts";

/** "3/3": hosts that are ready of those that should be. */
function readyCell(network: NetworkView): Cell {
  const states = network.hosts.map(({ observed }) => observed?.state);
  const ready = states.filter((state) => state === "ready").length;
  const text = `${String(ready)}/${String(network.hosts.length)}`;
  if (states.includes("failed")) return { text: `${text}, failed`, tone: "bad" };
  return { text, tone: ready === network.hosts.length ? "good" : "busy" };
}

const mtu = (network: NetworkView): string =>
  String(network.mtu === 0 ? MTU_DEFAULT_BYTES : network.mtu);

function forHosts({ onlyHosts, hostPool, hostLabels }: NetworkView): string {
  if (hostPool !== "") return `pool ${hostPool}`;
  if (hostLabels !== "") return `hosts with ${hostLabels}`;
  return onlyHosts.length === 0 ? "every host" : onlyHosts.join(", ");
}

const columns = (now: Date): readonly Column<NetworkView>[] => [
  { title: "NAME", cell: (network) => network.name },
  { title: "SEGMENT", cell: ({ segment }) => segment },
  { title: "MTU", align: "right", cell: mtu },
  { title: "READY", cell: readyCell },
  { title: "VMS", align: "right", cell: (network) => String(network.vmCount) },
  { title: "AGE", align: "right", cell: (network) => renderAge(network.createdAt, now) },
];

export const renderNetworks = (networks: readonly NetworkView[], now: Date, paint: Paint): string =>
  renderTable(columns(now), networks, paint);

export const renderNetworksWide = (
  networks: readonly NetworkView[],
  now: Date,
  paint: Paint,
): string =>
  renderTable(
    [
      ...columns(now),
      { title: "HOSTS", cell: ({ hosts }) => hosts.map(({ host }) => host).join(",") },
    ],
    networks,
    paint,
  );

/** "ready", "failed", "waiting" for a host that is connected and has not said, "unknown" for one that is not. */
function hostStateCell({ observed, online }: NetworkOnHostView): Cell {
  const silent = online ? "waiting" : "unknown";
  const text = observed?.state ?? silent;
  return { text, tone: toneOf(text) };
}

export function renderNetwork(network: NetworkView, now: Date, paint: Paint): string {
  const head = renderFields(
    [
      field("network", { text: network.name, tone: "strong" }),
      field("segment", network.segment),
      field("MTU", mtu(network)),
      field("for hosts", forHosts(network)),
      field("VMs", String(network.vmCount)),
      field("created", `${network.createdAt} (${renderAge(network.createdAt, now)})`),
    ],
    paint,
  );
  if (network.hosts.length === 0) return head;
  const hosts = renderTable<NetworkOnHostView>(
    [
      { title: "HOST", cell: ({ host }) => host },
      { title: "STATE", cell: hostStateCell },
      { title: "BRIDGE", cell: ({ observed }) => observed?.bridge ?? "" },
      { title: "DRIVER", cell: ({ observed }) => observed?.driver ?? "" },
      { title: "MESSAGE", cell: ({ observed }) => observed?.message ?? "" },
    ],
    network.hosts,
    paint,
  );
  return `${head}\n${hosts}`;
}
