/** How a host stands: what there is room for, what holds that room, what keeps VMs off it. */
import { renderSize, type HostRecord } from "@muster/model";
import { openPlanner, renderRefusal, type Refusal } from "@muster/planner";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { findHost } from "../ledger/view.ts";
import { homeOf } from "../planning/cluster-snapshot.ts";
import { hostUse } from "../planning/host-use.ts";
import { brokenLines } from "../planning/rule-checks.ts";
import type { ApiParts } from "./parts.ts";
import { snapshotOf } from "./vm-requests.ts";

/** The smallest VM anybody asks for: what keeps this one off keeps every other off. */
const PROBE = { id: "probe", name: "a VM of 1 CPU and 1 MiB", cpus: 1, memoryBytes: 1024n * 1024n };

export function explainHostHandlers(parts: ApiParts) {
  return {
    async explainHost(
      request: pb.ExplainHostRequest,
      context: CallContext,
    ): Promise<pb.ExplainHostResponse> {
      parts.operatorOf(context);
      const explained = explainHost(findHost(parts.ledger.view, request.host), parts);
      return { lines: [...linesOf(explained)], json: JSON.stringify(explained) };
    },
  };
}

/** Plain data without bigint. */
function explainHost(host: HostRecord, parts: ApiParts) {
  const { ledger, observations, capacity } = parts;
  const { view } = ledger;
  const use = hostUse(host, { view, observations, capacity });
  const snapshot = snapshotOf(parts);
  const refusals = openPlanner(snapshot).whyNot({ vm: PROBE }, host.id);
  const here = [...view.vms.values()].filter((vm) => vm.placement?.hostId === host.id);
  const named = (names: readonly { readonly spec: { readonly name: string } }[]) =>
    names.map(({ spec }) => spec.name).toSorted();
  return {
    host: host.name,
    state: observations.stateOf(host),
    cordoned: host.cordoned ? host.cordonReason : null,
    cpus: { claimed: use.claimedCpus, capacity: use.capacityCpus },
    memory: {
      claimed: renderSize(use.claimedMemoryBytes),
      capacity: renderSize(use.capacityMemoryBytes),
    },
    vms: named(here),
    arriving: named([...view.vms.values()].filter((vm) => vm.target?.hostId === host.id)),
    wild: use.wild.map(({ name }) => name).toSorted(),
    claims: [...view.claims.values()]
      .filter(({ hostId }) => hostId === host.id)
      .map(({ name, expiresAt }) => `${name} until ${expiresAt}`),
    awayFromHere: named(
      [...view.vms.values()].filter(
        (vm) => homeOf(vm) === host.id && vm.placement?.hostId !== host.id,
      ),
    ),
    keepsVmsOff: refusals.map((refusal: Refusal) => renderRefusal(refusal)),
    brokenRules: brokenLines(
      snapshot,
      here.map(({ id }) => id),
    ),
  };
}

function linesOf(host: ReturnType<typeof explainHost>): readonly string[] {
  const list = (word: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`${word} (${String(names.length)}): ${names.join(", ")}`];
  const closed = host.cordoned === null ? "" : `, cordoned: ${host.cordoned}`;
  return [
    `${host.host} is ${host.state}${closed}`,
    `claimed: ${String(host.cpus.claimed)} of ${String(host.cpus.capacity)} CPUs, ${host.memory.claimed} of ${host.memory.capacity}`,
    ...list("VMs", host.vms),
    ...list("on their way here", host.arriving),
    ...list("wild VMs", host.wild),
    ...list("room held for", host.claims),
    ...list("at home here, and elsewhere now", host.awayFromHere),
    ...(host.keepsVmsOff.length === 0
      ? ["nothing keeps a small VM off it"]
      : host.keepsVmsOff.map((line) => `keeps every VM off: ${line}`)),
    ...host.brokenRules.map((line) => `rule not kept: ${line}`),
  ];
}
