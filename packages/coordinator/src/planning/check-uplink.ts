/** What keeps an uplink from being defined, changed or removed as somebody asks. Pure. */
import {
  invalid,
  isChosen,
  isEquallyExact,
  MusterError,
  renderHostChoice,
  type HostChoice,
  type NetworkSpec,
  type UplinkSpec,
} from "@muster/model";
import { uplinkKey } from "../ledger/records.ts";
import type { LedgerView } from "../ledger/view.ts";

export const networksOn = (view: LedgerView, label: string): readonly NetworkSpec[] =>
  [...view.networks.values()].map(({ spec }) => spec).filter(({ uplink }) => uplink === label);

/** Two definitions that fit one host must not be equally exact: nobody could say which counts. */
function refuseClash(view: LedgerView, spec: UplinkSpec): void {
  for (const { spec: other } of view.uplinks.values()) {
    if (other.label !== spec.label || uplinkKey(other) === uplinkKey(spec)) continue;
    if (!isEquallyExact(other.hosts, spec.hosts)) continue;
    const both = [...view.hosts.values()].filter(
      (host) => isChosen(other.hosts, host) && isChosen(spec.hosts, host),
    );
    if (both.length === 0) continue;
    throw new MusterError(
      "already-exists",
      `uplink ${spec.label} for ${renderHostChoice(spec.hosts)} fits ${String(both.length)} hosts that it is already defined for by ${renderHostChoice(other.hosts)}`,
      { reasons: both.map(({ name }) => `host ${name}`), hint: "choose hosts that do not overlap" },
    );
  }
}

function refuseTooSmall(view: LedgerView, spec: UplinkSpec): void {
  const larger = networksOn(view, spec.label).filter(({ mtu }) => mtu > spec.mtu);
  if (larger.length === 0) return;
  throw new MusterError(
    "invalid",
    `spec.mtu: MTU ${String(spec.mtu)} is below that of ${String(larger.length)} networks on uplink ${spec.label}`,
    {
      reasons: larger.map(({ name, mtu }) => `network ${name} has MTU ${String(mtu)}`),
      hint: "lower theirs first",
    },
  );
}

export function checkUplink(view: LedgerView, spec: UplinkSpec): void {
  if (spec.hosts.kind === "named") {
    const unknown = spec.hosts.names.find((name) => view.hostByName(name) === undefined);
    if (unknown !== undefined) {
      throw invalid("spec.hosts", `there is no host "${unknown}"`, "see: muster host ls");
    }
  }
  refuseClash(view, spec);
  refuseTooSmall(view, spec);
}

/** Throws when networks would be left without an uplink on some host. */
export function checkUplinkRemoval(view: LedgerView, label: string, hosts: HostChoice): void {
  const key = uplinkKey({ label, hosts });
  if (!view.uplinks.has(key)) {
    const choices = [...view.uplinks.values()].filter(({ spec }) => spec.label === label);
    const known = choices.map(({ spec }) => renderHostChoice(spec.hosts)).join("; ");
    throw new MusterError(
      "not-found",
      `there is no uplink ${label} for ${renderHostChoice(hosts)}`,
      { hint: known === "" ? "see: muster uplink ls" : `it is defined for: ${known}` },
    );
  }
  const rest = [...view.uplinks.values()].filter(
    ({ spec }) => spec.label === label && uplinkKey(spec) !== key,
  );
  const reasons = networksOn(view, label).flatMap((network) =>
    [...view.hosts.values()]
      .filter((host) => isChosen(network.hosts, host) && isChosen(hosts, host))
      .filter((host) => !rest.some(({ spec }) => isChosen(spec.hosts, host)))
      .map((host) => `network ${network.name} rides on it on host ${host.name}`),
  );
  if (reasons.length === 0) return;
  throw new MusterError(
    "wrong-state",
    `uplink ${label} carries ${String(networksOn(view, label).length)} networks`,
    { reasons, hint: "remove those networks, or define the uplink otherwise for those hosts" },
  );
}
