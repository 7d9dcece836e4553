/** What people want of where VMs run: rules of VMs, traits of hosts, rules of groups. Clashes are refused when written. */
import { MusterError, type HostRecord, type RuleRecord, type VmRecord } from "@muster/model";
import type { Snapshot } from "@muster/planner";
import * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import { findHost, findRule, findVm, type LedgerView } from "../ledger/view.ts";
import { changeRules, changeTraits } from "../planning/change-rules.ts";
import { hostPart, vmPart } from "../planning/cluster-snapshot.ts";
import { brokenLines, brokenRuleLines, refuseNewClashes } from "../planning/rule-checks.ts";
import { decodeRule, decodeRulesChange, decodeTraitsChange } from "./decode-rules.ts";
import { encodeHost } from "./hosts.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";
import { shown } from "./vm-requests.ts";

export function ruleHandlers(parts: ApiParts) {
  return {
    async setVmRules(
      request: pb.SetVmRulesRequest,
      context: CallContext,
    ): Promise<pb.SetVmRulesResponse> {
      const operator = parts.operatorOf(context);
      return setVmRules(request, operator, parts);
    },

    async setHostTraits(
      request: pb.SetHostTraitsRequest,
      context: CallContext,
    ): Promise<pb.SetHostTraitsResponse> {
      const operator = parts.operatorOf(context);
      return setHostTraits(request, operator, parts);
    },

    async createRule(
      request: pb.CreateRuleRequest,
      context: CallContext,
    ): Promise<pb.CreateRuleResponse> {
      const operator = parts.operatorOf(context);
      return createRule(request, operator, parts);
    },

    async listRules(
      request: pb.ListRulesRequest,
      context: CallContext,
    ): Promise<pb.ListRulesResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const all = request.name === "" ? [...view.rules.values()] : [findRule(view, request.name)];
      const sorted = all.toSorted((left, right) => left.spec.name.localeCompare(right.spec.name));
      const snapshot = parts.snapshots.take();
      return { rules: sorted.map((rule) => encodeRule(rule, snapshot)) };
    },

    async deleteRule(
      request: pb.DeleteRuleRequest,
      context: CallContext,
    ): Promise<pb.DeleteRuleResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      await write(parts, why, (view) => [remove("rule", findRule(view, request.name))]);
      const subject = `rule/${request.name}`;
      tell(parts, why, { kind: "rule-removed", subject, message: `removed by ${operator}` });
      return {};
    },
  };
}

/** Decides on the view, and stores unless it is only tried. */
async function write(
  parts: ApiParts,
  why: Why,
  decide: (view: LedgerView) => readonly RecordChange[],
): Promise<void> {
  await parts.ledger.transact((view) => {
    const changes = decide(view);
    return { changes: why.dryRun ? [] : changes, result: undefined };
  });
}

function tell(
  parts: ApiParts,
  why: Why,
  event: { readonly kind: string; readonly subject: string; readonly message: string },
): void {
  if (why.dryRun) return;
  const because = why.reason === "" ? "" : `: ${why.reason}`;
  parts.events.record({ ...event, message: `${event.message}${because}` });
}

async function setVmRules(
  request: pb.SetVmRulesRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetVmRulesResponse> {
  const why = decodeWhy(request.why);
  let changed: VmRecord | undefined;
  let after: Snapshot | undefined;
  await write(parts, why, (view) => {
    const vm = findVm(view, request.vm);
    const { rules: _rules, away, ...rest } = vm;
    const rules = changeRules(vm.rules, decodeRulesChange(request.change, view));
    // A home of its own ends what a drain remembered.
    const stillAway = request.change?.home === undefined ? away : undefined;
    changed = { ...rest, rules, ...(stillAway === undefined ? {} : { away: stillAway }) };
    const before = parts.snapshots.take();
    after = withVm(before, changed, parts);
    refuseNewClashes(before, after, `these rules of VM ${vm.spec.name}`);
    return [put("vm", changed)];
  });
  if (changed === undefined || after === undefined) {
    throw new MusterError("internal", "the change of rules was not decided");
  }
  const { name } = changed.spec;
  tell(parts, why, {
    kind: "vm-rules-changed",
    subject: `vm/${name}`,
    message: `rules changed by ${operator}`,
  });
  return { vm: shown(changed, parts), broken: [...brokenLines(after, [changed.id])] };
}

const withVm = (snapshot: Snapshot, vm: VmRecord, parts: ApiParts): Snapshot => ({
  ...snapshot,
  vms: snapshot.vms.map((each) =>
    each.id === vm.id
      ? vmPart(vm, { observations: parts.observations, measured: () => undefined })
      : each,
  ),
});

async function setHostTraits(
  request: pb.SetHostTraitsRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.SetHostTraitsResponse> {
  const why = decodeWhy(request.why);
  const change = decodeTraitsChange(request);
  let changed: HostRecord | undefined;
  let broken: readonly string[] = [];
  await write(parts, why, (view) => {
    const host = findHost(view, request.host);
    const next = { ...host, traits: changeTraits(host.traits, change) };
    changed = next;
    const before = parts.snapshots.take();
    const { observations, capacity } = parts;
    const part = hostPart(next, { view, observations, policy: capacity });
    const hosts = before.hosts.map((each) => (each.id === host.id ? part : each));
    const after = { ...before, hosts };
    refuseNewClashes(before, after, `these traits of host ${host.name}`);
    const here = before.vms.filter(({ hostId }) => hostId === host.id).map(({ id }) => id);
    broken = brokenLines(after, here);
    return [put("host", next)];
  });
  if (changed === undefined) throw new MusterError("internal", "the change was not decided");
  tell(parts, why, {
    kind: "host-traits-changed",
    subject: `host/${changed.name}`,
    message: `traits changed by ${operator}`,
  });
  return { host: encodeHost(changed, parts), broken: [...broken] };
}

async function createRule(
  request: pb.CreateRuleRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.CreateRuleResponse> {
  const why = decodeWhy(request.why);
  const spec = decodeRule(request.rule);
  const now = parts.clock.wall().toISOString();
  let rule: RuleRecord = { spec, createdAt: now };
  let after: Snapshot | undefined;
  await write(parts, why, (view) => {
    const former = view.rules.get(spec.name);
    if (former !== undefined && !request.replace) {
      throw new MusterError("already-exists", `there is already a rule named ${spec.name}`, {
        hint: `see: muster rule show ${spec.name}; to change it: --replace`,
      });
    }
    if (former !== undefined) rule = { spec, createdAt: former.createdAt };
    const before = parts.snapshots.take();
    const others = (before.rules ?? []).filter(({ name }) => name !== spec.name);
    after = { ...before, rules: [...others, { ...spec }] };
    refuseNewClashes(before, after, `rule ${spec.name}`);
    return [put("rule", rule)];
  });
  tell(parts, why, {
    kind: "rule-created",
    subject: `rule/${spec.name}`,
    message: `written by ${operator}`,
  });
  return { rule: after === undefined ? undefined : encodeRule(rule, after) };
}

function encodeRule({ spec, createdAt }: RuleRecord, snapshot: Snapshot): pb.RuleView {
  const members = snapshot.vms.filter((vm) => vm.groups?.includes(spec.group) === true);
  const broken = brokenRuleLines(snapshot, spec, members);
  return {
    rule: {
      name: spec.name,
      group: spec.group,
      mode: spec.mode === "spread" ? pb.RuleMode.SPREAD : pb.RuleMode.PACK,
      preferred: spec.strength === "preferred",
      level: spec.level,
      max: spec.mode === "spread" ? spec.max : 0,
    },
    members: members.map(({ name }) => name).toSorted(),
    broken: [...broken],
    createdAt,
  };
}
