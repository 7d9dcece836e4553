/** What differs between manifests and what is, and in which order to change it. PURE. */
import { differences, MTU_DEFAULT_BYTES, MusterError } from "@muster/model";
import type { AddressUse, GroupRule } from "@muster/proto/admin";
import type { NetworkSpec, UplinkSpec } from "@muster/proto/types";
import type { Manifest } from "./manifest.ts";
import type { Wanted } from "./objects.ts";

/** What the cluster has now. */
export interface Current {
  readonly networks: readonly NetworkSpec[];
  readonly uplinks: readonly UplinkSpec[];
  readonly addresses: readonly AddressUse[];
  readonly rules: readonly GroupRule[];
}

export interface Change {
  readonly wanted: Wanted;
  readonly where: string;
  /** "network blue" */
  readonly title: string;
  readonly action: "create" | "change" | "none";
  /** A line each: "mtu: 1500 -> 9000". */
  readonly differences: readonly string[];
}

const uplinkKey = ({ label, hosts, hostPool, hostLabels }: UplinkSpec): string =>
  JSON.stringify([label, hosts.toSorted(), hostPool, hostLabels]);

const forHosts = ({ hosts, hostPool, hostLabels }: UplinkSpec): string =>
  [
    hosts.length === 0 ? "" : ` of ${hosts.join(", ")}`,
    hostPool === "" ? "" : ` of pool ${hostPool}`,
    hostLabels === "" ? "" : ` of hosts with ${hostLabels}`,
  ].join("");

function titleOf(wanted: Wanted): string {
  switch (wanted.kind) {
    case "network":
    case "rule":
      return `${wanted.kind} ${wanted.spec.name}`;
    case "uplink":
      return `uplink ${wanted.spec.label}${forHosts(wanted.spec)}`;
    case "address": {
      const { address, network, name } = wanted.spec;
      return `address ${address === "" ? "" : `${address} `}on ${network} for ${name}`;
    }
  }
}

/** Two documents with the same one define the same thing. */
function keyOf(wanted: Wanted): string {
  switch (wanted.kind) {
    case "network":
    case "rule":
      return titleOf(wanted);
    case "uplink":
      return `uplink ${uplinkKey(wanted.spec)}`;
    case "address": {
      const { address, network, name } = wanted.spec;
      return `address ${network} ${address === "" ? `for ${name}` : address}`;
    }
  }
}

const isKept = ({ spec }: Extract<Wanted, { kind: "address" }>, use: AddressUse): boolean =>
  use.kind === "reservation" &&
  use.network === spec.network &&
  use.name === spec.name &&
  (spec.address === "" || use.address === spec.address);

/** The specification that is there now; undefined: none. */
function beforeOf(wanted: Wanted, current: Current): Wanted["spec"] | undefined {
  switch (wanted.kind) {
    case "network":
      return current.networks.find(({ name }) => name === wanted.spec.name);
    case "rule":
      return current.rules.find(({ name }) => name === wanted.spec.name);
    case "uplink": {
      const found = current.uplinks.find((each) => uplinkKey(each) === uplinkKey(wanted.spec));
      // The order of hosts means nothing.
      return found === undefined ? undefined : { ...found, hosts: wanted.spec.hosts };
    }
    case "address":
      return current.addresses.some((use) => isKept(wanted, use)) ? wanted.spec : undefined;
  }
}

const isEmpty = (line: string): boolean => /: nothing -> (\[\]|0|false|nothing)$/.test(line);

function compare({ wanted, where }: Manifest, current: Current): Change {
  const before = beforeOf(wanted, current);
  const title = titleOf(wanted);
  if (before === undefined) {
    const lines = differences({}, wanted.spec).filter((line) => !isEmpty(line));
    return { wanted, where, title, action: "create", differences: lines };
  }
  const lines = differences(before, wanted.spec);
  const action = lines.length === 0 ? "none" : "change";
  return { wanted, where, title, action, differences: lines };
}

const mtuOf = (spec: UplinkSpec | undefined): number => spec?.mtu || MTU_DEFAULT_BYTES;

/** Networks ride on uplinks and addresses come from networks; an uplink whose MTU shrinks waits for its networks to shrink first. */
function rankOf({ wanted }: Manifest, current: Current): number {
  if (wanted.kind === "network") return 1;
  if (wanted.kind === "address" || wanted.kind === "rule") return 3;
  const before = current.uplinks.find((each) => uplinkKey(each) === uplinkKey(wanted.spec));
  return before !== undefined && mtuOf(wanted.spec) < mtuOf(before) ? 2 : 0;
}

/** In an order that works; what is as it should be is in it too. Throws `invalid` when something is defined twice. */
export function planChanges(manifests: readonly Manifest[], current: Current): readonly Change[] {
  const seen = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const key = keyOf(manifest.wanted);
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      const title = titleOf(manifest.wanted);
      const message = `${manifest.where}: ${title} is defined in ${earlier.where} too`;
      throw new MusterError("invalid", message, { hint: "keep one of them" });
    }
    seen.set(key, manifest);
  }
  return manifests
    .toSorted((left, right) => rankOf(left, current) - rankOf(right, current))
    .map((manifest) => compare(manifest, current));
}

function dependsOn({ wanted }: Change, earlier: Change): boolean {
  const other = earlier.wanted;
  if (wanted.kind === "address") {
    return other.kind === "network" && other.spec.name === wanted.spec.network;
  }
  // Rules speak of VMs only, and of each other: together they may hold where one alone clashes.
  if (wanted.kind === "rule") return other.kind === "rule";
  // What one gives up another may take.
  if (other.kind === wanted.kind) return earlier.action === "change";
  if (wanted.kind === "network") {
    return other.kind === "uplink" && other.spec.label === wanted.spec.uplink;
  }
  return other.kind === "network" && other.spec.uplink === wanted.spec.label;
}

/** Those that the coordinator can judge before anything is changed: they rest on nothing that changes first. */
export function judgedBefore(changes: readonly Change[]): readonly Change[] {
  const pending = changes.filter(({ action }) => action !== "none");
  return pending.filter(
    (change, index) => !pending.slice(0, index).some((earlier) => dependsOn(change, earlier)),
  );
}
