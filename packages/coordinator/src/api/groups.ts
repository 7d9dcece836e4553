/** Groups: one profile, many VMs. */
import {
  invalid,
  parseAddress,
  parseMac,
  parseName,
  renderAddress,
  type GroupMemberValues,
  type GroupRecord,
} from "@muster/model";
import { encodeVmSpec } from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { changeGroup, refuseBusyGroup, refuseUnasked } from "../groups/change-group.ts";
import { findGroup } from "../groups/find-group.ts";
import { planGroup, renderGroupStep, wantedNames } from "../groups/plan-group.ts";
import { put } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { FollowGroupParameters } from "../operations/follow-group.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { decodeTemplate } from "./boot-virtual-cluster.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";
import { about, encodeNow, shown } from "./vm-requests.ts";

/** Two minutes: what most guests need to shut down cleanly. */
const GRACE_MS_DEFAULT = 120_000;
const GRACE_MS_MAX = 3_600_000;
const ADDRESSES_MAX = 16;

export function groupHandlers(parts: ApiParts) {
  return {
    async setGroup(
      request: pb.SetGroupRequest,
      context: CallContext,
    ): Promise<pb.SetGroupResponse> {
      const createdBy = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const change = {
        name: parseName(request.name, "name"),
        create: request.create,
        ...(request.profile === undefined
          ? {}
          : { profile: decodeTemplate(request.profile, "profile") }),
        ...(request.size === undefined ? {} : { size: request.size }),
        ...(request.pattern === "" ? {} : { pattern: request.pattern }),
        ...(request.values.length === 0 ? {} : { values: request.values.map(decodeValues) }),
      };
      const author = { createdBy, createdAt: parts.clock.wall().toISOString() };
      const decide = (view: LedgerView) => {
        const group = changeGroup(view, change, author);
        return { group, plan: refuseUnasked(view, group, request) };
      };
      return begin(parts, { why, operator: createdBy, decide, stop: request });
    },

    async listGroups(
      { name }: pb.ListGroupsRequest,
      context: CallContext,
    ): Promise<pb.ListGroupsResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const wanted = name === "" ? [...view.groups.values()] : [findGroup(view, name)];
      const sorted = wanted.toSorted((one, other) => one.name.localeCompare(other.name, "en"));
      return { groups: sorted.map((group) => encodeGroup(group, parts)) };
    },

    async deleteGroup(
      request: pb.DeleteGroupRequest,
      context: CallContext,
    ): Promise<pb.DeleteGroupResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const decide = (view: LedgerView) => {
        const before = findGroup(view, request.name);
        refuseBusyGroup(view, before);
        const group = { ...before, removing: true };
        return { group, plan: planGroup(view, group).map(renderGroupStep) };
      };
      return begin(parts, { why, operator, decide, stop: request });
    },
  };
}

interface Begin {
  readonly why: Why;
  readonly operator: string;
  readonly decide: (view: LedgerView) => {
    readonly group: GroupRecord;
    readonly plan: readonly string[];
  };
  readonly stop: { readonly graceMs: number; readonly force: boolean };
}

async function begin(
  parts: ApiParts,
  { why, operator, decide, stop }: Begin,
): Promise<pb.SetGroupResponse> {
  const { ledger, runner } = parts;
  const { graceMs, force } = stop;
  if (graceMs > GRACE_MS_MAX) {
    throw invalid("grace_ms", `${String(graceMs)}, at most ${String(GRACE_MS_MAX)} are allowed`);
  }
  const now = decide(ledger.view);
  if (why.dryRun) return { operation: undefined, plan: [...now.plan] };
  if (now.plan.length === 0 && !now.group.removing) {
    await ledger.transact((view) => ({
      changes: [put("group", decide(view).group)],
      result: undefined,
    }));
    return { operation: undefined, plan: [] };
  }
  const operation = await runner.submit(
    { requestId: why.requestId, type: "group-follow" },
    (view): Accepted<FollowGroupParameters> => {
      const { group, plan } = decide(view);
      return {
        operation: {
          ...about(why, operator),
          type: "group-follow",
          subject: `group/${group.name}`,
          parameters: { name: group.name, graceMs: graceMs || GRACE_MS_DEFAULT, force },
          explanation: plan,
        },
        changes: (operationId) => [put("group", { ...group, operationId })],
      };
    },
  );
  return { operation: encodeNow(operation, parts), plan: [...operation.explanation] };
}

function decodeValues(wire: pb.GroupMemberValues, index: number): GroupMemberValues {
  const at = (part: string): string => `values[${String(index)}].${part}`;
  if (wire.addresses.length > ADDRESSES_MAX) throw invalid(at("addresses"), "are too many");
  const addresses = wire.addresses.map((text) =>
    renderAddress(parseAddress(text, at("addresses"))),
  );
  return {
    ...(wire.name === "" ? {} : { name: parseName(wire.name, at("name")) }),
    ...(wire.mac === "" ? {} : { mac: parseMac(wire.mac, at("mac")) }),
    ...(addresses.length === 0 ? {} : { addresses }),
  };
}

function encodeGroup(group: GroupRecord, parts: ApiParts): pb.Group {
  const { view } = parts.ledger;
  const { extraNics, ...template } = group.profile;
  const made = new Map(group.members.map((member) => [member.name, member]));
  const names = [...new Set([...wantedNames(group), ...made.keys()])];
  return {
    name: group.name,
    pattern: group.pattern,
    size: group.size,
    profile: encodeVmSpec({ ...template, name: group.name, nics: extraNics }),
    version: group.version,
    values: group.values.map(({ name = "", mac = "", addresses = [] }) => ({
      name,
      mac,
      addresses: [...addresses],
    })),
    members: names.map((name) => {
      const member = made.get(name);
      const vm = member === undefined ? undefined : view.vms.get(member.vmId);
      return {
        name,
        vm: vm === undefined ? undefined : shown(vm, parts),
        version: vm === undefined ? 0 : (member?.version ?? 0),
      };
    }),
    plan: planGroup(view, group).map(renderGroupStep),
    operationId: group.operationId ?? "",
    removing: group.removing,
    createdAt: group.createdAt,
    createdBy: group.createdBy,
  };
}
