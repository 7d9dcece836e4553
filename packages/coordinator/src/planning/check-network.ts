/** What keeps a network from being defined or changed as somebody asks: every reason with names and numbers. Pure. */
import {
  invalid,
  isChosen,
  MusterError,
  overlaps,
  parseAddress,
  parseSubnet,
  renderSegment,
  type HostRecord,
  type NetworkSpec,
  type Segment,
  type VmRecord,
} from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import { subnetOf } from "./address-book.ts";
import { uplinkOf } from "./host-network.ts";

const FIELD = "spec";

/** Outer Ethernet, IP, UDP and VXLAN headers. */
const VXLAN_OVERHEAD_BYTES = 50;

function sameSegment(left: Segment, right: Segment): boolean {
  switch (left.kind) {
    case "vlan":
      return right.kind === "vlan" && left.vlan === right.vlan;
    case "vxlan":
      return right.kind === "vxlan" && left.vni === right.vni;
    case "untagged":
      return right.kind === "untagged";
    // A trunk may pass what other networks carry too.
    case "trunk":
      return false;
  }
}

interface HeldSpec {
  readonly other: NetworkSpec;
  /** Held by a change that may still be undone, and by hosts that have not been told of it. */
  readonly changedBy?: string;
}

/** What other networks are, and were before a change that has not ended: they may go back to it. */
function* heldSpecs(view: LedgerView, name: string): Generator<HeldSpec> {
  for (const { spec, rollout, operationId = "" } of view.networks.values()) {
    if (spec.name === name) continue;
    yield { other: spec };
    if (rollout?.previous !== undefined) {
      yield { other: rollout.previous.spec, changedBy: operationId };
    }
  }
}

/** The same VLAN on another uplink is another wire. */
function refuseSameSegment(view: LedgerView, spec: NetworkSpec): void {
  for (const { other, changedBy } of heldSpecs(view, spec.name)) {
    if (other.uplink !== spec.uplink || !sameSegment(other.segment, spec.segment)) continue;
    const where = spec.uplink === undefined ? "" : ` on uplink ${spec.uplink}`;
    const until =
      changedBy === undefined ? "" : ` until its change (${changedBy}) has reached every host`;
    throw new MusterError(
      "already-exists",
      `${renderSegment(spec.segment)} is already network ${other.name}${where}${until}`,
      { hint: "use that network, another id, or another uplink" },
    );
  }
}

/** Subnets of isolated networks meet no others: nothing routes between them. */
function refuseOverlappingSubnets(view: LedgerView, spec: NetworkSpec): void {
  if (spec.isolated === true) return;
  spec.subnets.forEach(({ cidr }, index) => {
    const own = parseSubnet(cidr, FIELD);
    for (const { other } of heldSpecs(view, spec.name)) {
      if (other.isolated === true) continue;
      const clash = other.subnets.find((subnet) => overlaps(parseSubnet(subnet.cidr, FIELD), own));
      if (clash === undefined) continue;
      throw invalid(
        `${FIELD}.subnets[${String(index)}].cidr`,
        `${cidr} overlaps ${clash.cidr} of network ${other.name}`,
      );
    }
  });
}

/** Part of the model, and of no agent yet: better said now than missed by a guest. */
function refuseTranslation({ subnets }: NetworkSpec): void {
  const index = subnets.findIndex(({ nat }) => nat);
  if (index < 0) return;
  throw invalid(
    `${FIELD}.subnets[${String(index)}].nat`,
    "hosts do not translate addresses yet",
    "leave out nat and let a VM with a second NIC be the gateway",
  );
}

const chosen = (view: LedgerView, { hosts }: NetworkSpec): readonly HostRecord[] =>
  [...view.hosts.values()].filter((host) => isChosen(hosts, host));

function refuseUnknownHosts(view: LedgerView, { hosts }: NetworkSpec): void {
  if (hosts.kind !== "named") return;
  for (const name of hosts.names) {
    if (view.hostByName(name) !== undefined) continue;
    throw new MusterError("not-found", `there is no host "${name}"`, {
      hint: "see: muster host ls",
    });
  }
}

function refuseWithoutUplink(view: LedgerView, spec: NetworkSpec): void {
  const { uplink: label, name } = spec;
  if (label === undefined) return;
  const labels = [...new Set([...view.uplinks.values()].map((record) => record.spec.label))];
  if (!labels.includes(label)) {
    const known =
      labels.length === 0 ? "none is defined" : `uplinks: ${labels.toSorted().join(", ")}`;
    const hint = `${known}; define it first: muster uplink set ${label} --nic NAME`;
    throw invalid(`${FIELD}.uplink`, `there is no uplink "${label}"`, hint);
  }
  const without = chosen(view, spec).filter((host) => uplinkOf(view, label, host) === undefined);
  if (without.length > 0) {
    throw new MusterError(
      "invalid",
      `${FIELD}.uplink: ${String(without.length)} hosts that should have network ${name} have no uplink ${label}`,
      {
        reasons: without.map((host) => `${host.name}: no definition of uplink ${label} fits it`),
        hint: "define it for them, or choose other hosts",
      },
    );
  }
  refuseTooLarge(view, spec, label);
}

function refuseTooLarge(view: LedgerView, spec: NetworkSpec, label: string): void {
  const overhead = spec.segment.kind === "vxlan" ? VXLAN_OVERHEAD_BYTES : 0;
  const needed = spec.mtu + overhead;
  const reasons = chosen(view, spec).flatMap((host) => {
    const mtu = uplinkOf(view, label, host)?.mtu ?? needed;
    return mtu < needed ? [`${host.name}: uplink ${label} has MTU ${String(mtu)}`] : [];
  });
  if (reasons.length === 0) return;
  const why = overhead === 0 ? "" : ` with ${String(overhead)} bytes of VXLAN headers`;
  throw new MusterError(
    "invalid",
    `${FIELD}.mtu: MTU ${String(spec.mtu)}${why} is above that of uplink ${label}`,
    { reasons, hint: "lower the network's MTU, or raise the uplink's first" },
  );
}

/** Throws unless the network can be, as far as can be said without asking hosts. */
export function checkNetwork(view: LedgerView, spec: NetworkSpec): void {
  refuseUnknownHosts(view, spec);
  refuseSameSegment(view, spec);
  refuseTranslation(spec);
  refuseOverlappingSubnets(view, spec);
  refuseWithoutUplink(view, spec);
}

export const vmsOn = (view: LedgerView, network: string): readonly VmRecord[] =>
  [...view.vms.values()].filter(({ spec }) => spec.nics.some((nic) => nic.network === network));

function addressReasons(view: LedgerView, spec: NetworkSpec): readonly string[] {
  const outside = (text: string): boolean =>
    subnetOf(spec, parseAddress(text, "address")) === undefined;
  const ofVms = vmsOn(view, spec.name).flatMap((vm) =>
    vm.spec.nics
      .filter((nic) => nic.network === spec.name)
      .flatMap((nic) => nic.addresses ?? [])
      .filter(outside)
      .map((address) => `VM ${vm.spec.name} has ${address}, which would be in no subnet`),
  );
  const reserved = [...view.addresses.values()]
    .filter(({ network, address }) => network === spec.name && outside(address))
    .map(({ address, name }) => `${address} is reserved for ${name} and would be in no subnet`);
  return [...ofVms, ...reserved];
}

function hostReasons(view: LedgerView, spec: NetworkSpec): readonly string[] {
  return vmsOn(view, spec.name).flatMap((vm) =>
    [vm.placement, vm.target].flatMap((placement) => {
      const host = placement === undefined ? undefined : view.hosts.get(placement.hostId);
      if (host === undefined || isChosen(spec.hosts, host)) return [];
      return [`VM ${vm.spec.name} is on host ${host.name}, which would no longer have it`];
    }),
  );
}

function trunkReasons(view: LedgerView, { name, segment }: NetworkSpec): readonly string[] {
  if (segment.kind === "trunk") return [];
  return vmsOn(view, name)
    .filter((vm) => vm.spec.nics.some((nic) => nic.network === name && nic.trunk !== undefined))
    .map((vm) => `VM ${vm.spec.name} has a trunk NIC on it`);
}

/** Throws unless everything that is on the network fits it afterwards. */
export function checkChange(view: LedgerView, spec: NetworkSpec): void {
  checkNetwork(view, spec);
  const reasons = [
    ...addressReasons(view, spec),
    ...hostReasons(view, spec),
    ...trunkReasons(view, spec),
  ];
  if (reasons.length === 0) return;
  const vms = String(vmsOn(view, spec.name).length);
  throw new MusterError(
    "wrong-state",
    `network ${spec.name} is used by ${vms} VMs in a way that the change forbids`,
    {
      reasons,
      hint: "move, change or release those first",
    },
  );
}
