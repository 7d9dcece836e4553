/** Answers as lines of text for people. The data says everything; this only words it. */
import type {
  Asked,
  HostRefusals,
  NoPlacement,
  PlaceAnswer,
  Placement,
  ScoreTerm,
} from "./answer.ts";
import type { CheckName, NetworkRefusal, Refusal } from "./refusal.ts";
import { describeMiB, describeNumber } from "./wording.ts";

/** Hosts listed with their reasons before "and n more". */
const HOSTS_LISTED = 5;

/** One sentence, without the host's name. */
export function renderRefusal(refusal: Refusal): string {
  switch (refusal.check) {
    case "host-exists":
      return `there is no host ${refusal.hostId}`;
    case "host-is-online":
      return `the host is ${refusal.state}`;
    case "host-is-not-cordoned":
      return "the host is cordoned";
    case "host-is-not-excluded":
      return `excluded: ${refusal.why}`;
    case "pinned":
      return `pinned to ${refusal.pinnedTo.join(", ")}`;
    case "pool":
      return `wants pool ${refusal.wanted}, the host is in ${refusal.found ?? "none"}`;
    case "tenant":
      return `the host is kept for ${list(refusal.allowed)}, not for ${refusal.tenant || "VMs without a tenant"}`;
    case "environment":
      return `a ${refusal.wanted} VM may not run on a ${refusal.found || "host without environment"} host, which takes ${list(refusal.allowed)}`;
    case "host-labels":
      return `labels differ: ${refusal.missing.map(({ key, wanted, found }) => `${key}=${wanted} wanted, ${found ?? "nothing"} found`).join("; ")}`;
    case "machine-type":
      return `does not know machine type ${refusal.wanted}`;
    case "cpu-compatible":
      return renderCpu(refusal);
    case "networks-present":
      return renderMissingNetworks(refusal);
    case "required-networks":
      return `the host lacks ${refusal.problems.map(renderNetwork).join("; ")}, which every host should have`;
    case "storages-reachable":
      return `storage ${refusal.missing.join(", ")} is not reachable`;
    case "group-rules":
      return renderGroupRule(refusal);
    case "survives-failure":
      return `losing ${refusal.count} ${refusal.level}${refusal.count === 1 ? "" : "s"} (${refusal.domain}) would then strand VM ${refusal.stranded}, which needs ${describeNumber(refusal.strandedCpus)} CPUs and ${describeMiB(refusal.strandedMemoryMiB)}`;
    default:
      return renderShortage(refusal);
  }
}

const renderNetwork = ({ network, problem }: NetworkRefusal): string =>
  `network ${network}: ${problem}`;

function renderMissingNetworks({
  missing,
  problems = [],
}: Extract<Refusal, { check: "networks-present" }>): string {
  const known = new Set(problems.map(({ network }) => network));
  const unknown = missing.filter((name) => !known.has(name));
  const absent = unknown.length === 0 ? [] : [`network ${unknown.join(", ")} is not present`];
  return [...absent, ...problems.map(renderNetwork)].join("; ");
}

type Shortage = Extract<
  Refusal,
  {
    check:
      | "storage-space"
      | "enough-cpu"
      | "enough-memory"
      | "enough-hugepages"
      | "vms-per-host"
      | "numa-fit";
  }
>;

function renderShortage(refusal: Shortage): string {
  switch (refusal.check) {
    case "storage-space":
      return `not enough space on storage ${refusal.storage}: wants ${describeMiB(refusal.wantedMiB)}, ${describeMiB(refusal.freeMiB)} free (${describeMiB(refusal.shortMiB)} short)`;
    case "enough-cpu":
      return `not enough CPUs: wants ${describeNumber(refusal.wanted)}, ${describeNumber(refusal.free)} of ${describeNumber(refusal.capacity)} free at overcommit ${describeNumber(refusal.overcommit)} (${describeNumber(refusal.short)} short)`;
    case "enough-memory":
      return `not enough memory: wants ${describeMiB(refusal.wanted)}, ${describeMiB(refusal.free)} of ${describeMiB(refusal.capacity)} free (${describeMiB(refusal.short)} short)`;
    case "enough-hugepages":
      return `not enough ${describeMiB(refusal.pageKiB / 1024)} hugepages: wants ${describeMiB(refusal.wanted)}, ${describeMiB(refusal.free)} of ${describeMiB(refusal.capacity)} free (${describeMiB(refusal.short)} short)`;
    case "vms-per-host":
      return `has ${refusal.vms} VMs and may have ${refusal.max}`;
    case "numa-fit": {
      const cells = refusal.cells.map(
        (cell) =>
          `cell ${cell.id} has ${describeNumber(cell.freeCpus)} CPUs and ${describeMiB(cell.freeMemoryMiB)} free`,
      );
      return `wants ${refusal.cellsWanted} NUMA cell${refusal.cellsWanted === 1 ? "" : "s"} with ${describeNumber(refusal.cpusPerCell)} CPUs and ${describeMiB(refusal.memoryMiBPerCell)} each: ${cells.join("; ") || "the host reports none"}`;
    }
  }
}

function renderCpu(refusal: Extract<Refusal, { check: "cpu-compatible" }>): string {
  const parts: string[] = [];
  if (refusal.model !== null) parts.push(`no CPU model ${refusal.model}`);
  if (refusal.missingFeatures.length > 0) {
    parts.push(`no CPU feature ${refusal.missingFeatures.join(", ")}`);
  }
  return `the processor has ${parts.join(" and ")}`;
}

function renderGroupRule(refusal: Extract<Refusal, { check: "group-rules" }>): string {
  const { rule, mode, level, domain, max, memberCount } = refusal;
  const more = memberCount - refusal.members.length;
  const members = `${refusal.members.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return mode === "spread"
    ? `rule ${rule}: at most ${max} on a ${level}, and ${domain} has ${members}`
    : `rule ${rule}: all on one ${level}, and ${members} ${memberCount === 1 ? "is" : "are"} not on ${domain}`;
}

const list = (names: readonly string[]): string => names.join(", ") || "nobody";

const checkWords: Readonly<Record<CheckName, string>> = {
  "host-exists": "no such host",
  "host-is-online": "not online",
  "host-is-not-cordoned": "cordoned",
  "host-is-not-excluded": "excluded by the request",
  pinned: "not one of the hosts it is pinned to",
  pool: "in another pool",
  tenant: "kept for other tenants",
  environment: "of an environment that does not take it",
  "host-labels": "without the labels asked for",
  "machine-type": "without its machine type",
  "cpu-compatible": "with a processor that does not fit",
  "networks-present": "without one of its networks",
  "required-networks": "without a network that every host should have",
  "storages-reachable": "out of reach of its storage",
  "storage-space": "short of space on its storage",
  "enough-cpu": "short of CPUs",
  "enough-memory": "short of memory",
  "enough-hugepages": "short of hugepages",
  "vms-per-host": "at their limit of VMs",
  "numa-fit": "without NUMA cells that have room",
  "group-rules": "ruled out by a group rule",
  "survives-failure": "where the cluster would no longer survive a failure",
};

export const describeAsked = ({ vmName, cpus, memoryMiB }: Asked): string =>
  `VM ${vmName} (${describeNumber(cpus)} CPU${cpus === 1 ? "" : "s"}, ${describeMiB(memoryMiB)})`;

/** Counts first, then hosts with every reason: five of them, or with `all` every one. */
export function renderRefusals(
  answer: NoPlacement,
  how: { readonly all?: boolean } = {},
): readonly string[] {
  if (answer.examined === 0)
    return [`no host can take ${describeAsked(answer.asked)}: there are no hosts`];
  const hidden = how.all === true ? 0 : Math.max(0, answer.refusals.length - HOSTS_LISTED);
  const shown = hidden === 0 ? answer.refusals : answer.refusals.slice(0, HOSTS_LISTED);
  return [
    ...renderRefusalCounts(answer),
    ...renderRefusalsByHost(shown),
    ...(hidden > 0 ? [`and ${hidden} more hosts`] : []),
  ];
}

/** How many hosts fail each check. */
export const renderRefusalCounts = (answer: NoPlacement): readonly string[] => [
  `no host can take ${describeAsked(answer.asked)}; of ${answer.examined} host${answer.examined === 1 ? "" : "s"}:`,
  ...answer.refusedByCheck.map(({ check, hosts }) => `  ${hosts} ${checkWords[check]}`),
];

/** Every failed check of each host, with its numbers. */
export const renderRefusalsByHost = (refusals: readonly HostRefusals[]): readonly string[] =>
  refusals.flatMap(renderHostRefusals);

function renderHostRefusals({ hostName, refusals }: HostRefusals): readonly string[] {
  if (refusals.length === 1 && refusals[0] !== undefined) {
    return [`${hostName}: ${renderRefusal(refusals[0])}`];
  }
  return [`${hostName}:`, ...refusals.map((refusal) => `  ${renderRefusal(refusal)}`)];
}

/** The host, the terms of its score beside the runner-up's, and the margin. */
export function renderChoice(answer: Placement): readonly string[] {
  const { runnerUp } = answer;
  const examined = `${answer.examined} host${answer.examined === 1 ? "" : "s"} examined, ${answer.feasible} could take it`;
  const refused = answer.refusedByCheck.map(
    ({ check, hosts }) => `  ${hosts} ${checkWords[check]}`,
  );
  const comparison =
    runnerUp === null
      ? "no other host was possible"
      : `runner-up ${runnerUp.hostName}, behind by ${describeNumber(answer.margin ?? 0)} (lower is better)`;
  return [
    `${describeAsked(answer.asked)} goes to ${answer.hostName}`,
    examined,
    ...refused,
    comparison,
    ...answer.terms.map((term) => renderTerm(term, runnerUp?.terms)),
    `  total ${describeNumber(answer.score)}${runnerUp === null ? "" : `, runner-up ${describeNumber(runnerUp.score)}`}`,
  ];
}

function renderTerm(term: ScoreTerm, others: readonly ScoreTerm[] | undefined): string {
  const other = others?.find(({ name }) => name === term.name);
  const own = `  ${term.name} ${describeNumber(term.weighted)} (${describeNumber(term.value)} × ${describeNumber(term.weight)})`;
  return other === undefined ? own : `${own}, runner-up ${describeNumber(other.weighted)}`;
}

/** Whichever of the two fits the answer. */
export const renderAnswer = (
  answer: PlaceAnswer,
  how: { readonly all?: boolean } = {},
): readonly string[] => (answer.ok ? renderChoice(answer) : renderRefusals(answer, how));
