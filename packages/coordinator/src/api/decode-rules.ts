/** Rules and traits between the wire and the words inside; hosts are names outside and ids inside. */
import {
  invalid,
  parseName,
  parseWord,
  type GroupRuleSpec,
  type HostTraits,
  type VmRules,
} from "@muster/model";
import * as pb from "@muster/proto/admin";
import { findHost, type LedgerView } from "../ledger/view.ts";
import {
  changeRules,
  type LabelChange,
  type RulesChange,
  type TraitsChange,
} from "../planning/change-rules.ts";

/** Larger figures are mistakes, and would make every other one look alike. */
const PRIORITY_MAX = 1_000_000;
/** Deeper than any site's row of cages. */
const LEVELS_MAX = 16;
const OVERCOMMIT_MAX = 64;

export function decodeRulesChange(
  wire: pb.VmRulesChange | undefined,
  view: LedgerView,
): RulesChange {
  if (wire === undefined) return { addGroups: [], removeGroups: [], hostLabels: [] };
  const { priority, pinnedTo, home } = wire;
  if (priority !== undefined && Math.abs(priority) > PRIORITY_MAX) {
    throw invalid("priority", `${String(priority)}, at most ${String(PRIORITY_MAX)} is allowed`);
  }
  return {
    addGroups: words(wire.addGroups, "groups"),
    removeGroups: words(wire.removeGroups, "groups"),
    hostLabels: decodeLabels(wire.hostLabels, "host_labels"),
    ...(pinnedTo === undefined
      ? {}
      : { pinnedTo: [...new Set(pinnedTo.names.map((name) => findHost(view, name).id))] }),
    ...word("environment", wire.environment),
    ...word("pool", wire.pool),
    ...word("tenant", wire.tenant),
    ...(priority === undefined ? {} : { priority }),
    ...(home === undefined ? {} : { home: home === "" ? ("" as const) : findHost(view, home).id }),
  };
}

/** The rules of a VM that does not exist yet; undefined: none. */
export function decodeNewRules(
  wire: pb.VmRulesChange | undefined,
  view: LedgerView,
): VmRules | undefined {
  if (wire === undefined) return undefined;
  const rules = changeRules(undefined, decodeRulesChange(wire, view));
  return Object.keys(rules).length === 0 ? undefined : rules;
}

export function decodeTraitsChange(wire: pb.SetHostTraitsRequest): TraitsChange {
  const { failureDomain, tenants, cpusReserved, memoryReservedBytes } = wire;
  if ((failureDomain?.names.length ?? 0) > LEVELS_MAX) {
    throw invalid("failure_domain", `more than ${String(LEVELS_MAX)} levels`);
  }
  return {
    labels: decodeLabels(wire.labels, "labels"),
    ...(failureDomain === undefined
      ? {}
      : { failureDomain: words(failureDomain.names, "failure_domain") }),
    ...word("environment", wire.environment),
    ...word("pool", wire.pool),
    ...(tenants === undefined ? {} : { tenants: [...new Set(words(tenants.names, "tenants"))] }),
    ...(cpusReserved === undefined ? {} : { cpusReserved }),
    ...(memoryReservedBytes === undefined ? {} : { memoryReservedBytes }),
    ...factor("cpuOvercommit", wire.cpuOvercommit),
    ...factor("memoryOvercommit", wire.memoryOvercommit),
  };
}

const words = (texts: readonly string[], field: string): readonly string[] =>
  texts.map((text, index) => parseWord(text, `${field}[${String(index)}]`));

const word = <Name extends string>(name: Name, text: string | undefined) =>
  (text === undefined ? {} : { [name]: text === "" ? "" : parseWord(text, name) }) as {
    readonly [K in Name]?: string;
  };

function factor<Name extends string>(name: Name, value: number | undefined) {
  if (value !== undefined && !(value >= 0 && value <= OVERCOMMIT_MAX)) {
    throw invalid(name, `${String(value)} is not within 0 to ${String(OVERCOMMIT_MAX)}`);
  }
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in Name]?: number };
}

const decodeLabels = (labels: readonly pb.Label[], field: string): readonly LabelChange[] =>
  labels.map(({ name, value }, index) => ({
    name,
    value: value === "" ? "" : parseWord(value, `${field}[${String(index)}].value`),
  }));

const encodeLabels = (labels: Readonly<Record<string, string>> | undefined): pb.Label[] =>
  Object.entries(labels ?? {}).map(([name, value]) => ({ name, value }));

export function encodeRules(rules: VmRules | undefined, view: LedgerView): pb.VmRules | undefined {
  if (rules === undefined) return undefined;
  const nameOf = (id: NonNullable<VmRules["home"]>): string => view.hosts.get(id)?.name ?? id;
  return {
    groups: [...(rules.groups ?? [])],
    hostLabels: encodeLabels(rules.hostLabels),
    pinnedTo: (rules.pinnedTo ?? []).map(nameOf),
    environment: rules.environment ?? "",
    pool: rules.pool ?? "",
    tenant: rules.tenant ?? "",
    priority: rules.priority ?? 0,
    home: rules.home === undefined ? "" : nameOf(rules.home),
  };
}

export function encodeTraits(traits: HostTraits | undefined): pb.HostTraits | undefined {
  if (traits === undefined) return undefined;
  return {
    labels: encodeLabels(traits.labels),
    failureDomain: [...(traits.failureDomain ?? [])],
    environment: traits.environment ?? "",
    pool: traits.pool ?? "",
    tenants: [...(traits.tenants ?? [])],
    cpusReserved: traits.cpusReserved ?? 0,
    memoryReservedBytes: traits.memoryReservedBytes ?? 0n,
    cpuOvercommit: traits.cpuOvercommit ?? 0,
    memoryOvercommit: traits.memoryOvercommit ?? 0,
  };
}

export function decodeRule(wire: pb.GroupRule | undefined): GroupRuleSpec {
  if (wire === undefined) throw invalid("rule", "is required");
  if (wire.mode !== pb.RuleMode.SPREAD && wire.mode !== pb.RuleMode.PACK) {
    throw invalid("rule.mode", "is required", "spread or pack");
  }
  const mode = wire.mode === pb.RuleMode.SPREAD ? "spread" : "pack";
  if (mode === "pack" && wire.max !== 0) {
    throw invalid("rule.max", "goes with spread only: pack puts all members in one domain");
  }
  return {
    name: parseName(wire.name, "rule.name"),
    group: parseWord(wire.group, "rule.group"),
    mode,
    strength: wire.preferred ? "preferred" : "required",
    level: wire.level === "" ? "host" : parseWord(wire.level, "rule.level"),
    max: wire.max === 0 ? 1 : wire.max,
  };
}
