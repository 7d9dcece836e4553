/**
 * The log of a scenario: what was asked and refused, each step of each operation, where VMs really run, which hosts are
 * heard. In whole seconds and by name, so that it says the same on every machine and every day.
 */
import type { Coordinator } from "@muster/coordinator";
import type { ErrorDetail, OperationRecord, StepRecord, VmId } from "@muster/model";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/** The planner has its own tests of what it says of each host. */
const REASONS_TOLD_MAX = 2;

interface Said {
  readonly atMs: number;
  /** Of whom it is said; undefined: it is a line of the script. */
  readonly subject: string | undefined;
  readonly line: string;
}

/**
 * What happens at one moment to different things has no order that anybody promised: it is told by subject. What
 * happens to one thing keeps its order, and nothing passes a line of the script.
 */
function inOrder(said: readonly Said[]): readonly Said[] {
  const moments: Said[][] = [];
  for (const one of said) {
    const last = moments.at(-1);
    const before = last?.[0];
    const isTogether =
      before?.atMs === one.atMs && before.subject !== undefined && one.subject !== undefined;
    if (last !== undefined && isTogether) last.push(one);
    else moments.push([one]);
  }
  return moments.flatMap((moment) =>
    moment.toSorted((one, other) =>
      (one.subject ?? "").localeCompare(other.subject ?? "", "en", { numeric: true }),
    ),
  );
}

export class ScenarioLog {
  readonly #said: Said[] = [];
  readonly #cluster: SimulatedCluster;
  readonly #beginMs: number;
  readonly #numbers = new Map<string, number>();
  readonly #operations = new Map<string, OperationRecord>();
  readonly #names = new Map<VmId, string>();
  #runners = new Map<string, string>();
  #hosts = new Map<string, string>();

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
    this.#beginMs = cluster.clock.now();
    this.step();
    this.#said.length = 0;
  }

  get lines(): readonly string[] {
    return inOrder(this.#said).map(({ line }) => line);
  }

  say(what: string): void {
    const atMs = this.#cluster.clock.now();
    const seconds = Math.round((atMs - this.#beginMs) / 1000);
    const subject = what.startsWith(">") ? undefined : what.replace(/:.*/, "");
    this.#said.push({ atMs, subject, line: `${String(seconds).padStart(5)}  ${what}` });
  }

  follow({ ledger }: Coordinator): void {
    ledger.onChange((changes) => {
      for (const { kind, change, value } of changes) {
        if (kind === "vm") this.#names.set(value.id, value.spec.name);
        if (kind === "operation" && change === "put") this.#operationChanged(value);
      }
    });
  }

  /** Called after every step of the clock: what is true, when it has changed. */
  step(): void {
    this.#runners = this.#tellChanges(this.#runners, this.#whereVmsRun(), "runs nowhere");
    if (this.#cluster.isCoordinatorUp) {
      this.#hosts = this.#tellChanges(this.#hosts, this.#hostStates(), "is no host of the cluster");
    }
  }

  /** "op 1": in the order in which they were first heard of. */
  nameOf(operationId: string): string {
    const number = this.#numbers.get(operationId) ?? this.#numbers.size + 1;
    this.#numbers.set(operationId, number);
    return `op ${String(number)}`;
  }

  #operationChanged(operation: OperationRecord): void {
    const before = this.#operations.get(operation.id);
    this.#operations.set(operation.id, operation);
    const name = `${this.nameOf(operation.id)} ${operation.type} ${operation.subject.replace(/^[a-z]+\//, "")}`;
    operation.steps.forEach((step, index) => {
      const told = stepText(before?.steps[index], step);
      if (told !== undefined) this.say(`  ${name}: ${told}`);
    });
    if (before?.cancelRequested === false && operation.cancelRequested) {
      this.say(`  ${name}: is to be cancelled`);
    }
    if (before?.state === operation.state) return;
    const why = operation.error === undefined ? "" : `: ${operation.error.code}`;
    this.say(`  ${name}: ${operation.state}${why}`);
  }

  #tellChanges(
    before: Map<string, string>,
    now: Map<string, string>,
    gone: string,
  ): Map<string, string> {
    for (const [name, text] of now) if (before.get(name) !== text) this.say(`  ${name} ${text}`);
    for (const name of before.keys()) if (!now.has(name)) this.say(`  ${name} ${gone}`);
    return now;
  }

  #whereVmsRun(): Map<string, string> {
    const found = new Map<string, string>();
    for (const host of this.#cluster.hostNames) {
      for (const { id, name, state } of this.#cluster.world.domains(host)) {
        if (!this.#cluster.world.runningOn(id).includes(host)) continue;
        const verb = state === "paused" ? "is paused" : "runs";
        const others = found.get(name);
        found.set(name, others === undefined ? `${verb} on ${host}` : `${others} and on ${host}`);
      }
    }
    return found;
  }

  #hostStates(): Map<string, string> {
    const { ledger, observations } = this.#cluster.coordinator;
    const hosts = [...ledger.view.hosts.values()];
    return new Map(
      hosts.map((host) => [
        `host ${host.name}`,
        `is ${observations.stateOf(host)}${host.cordoned ? ", cordoned" : ""}`,
      ]),
    );
  }
}

function stepText(before: StepRecord | undefined, now: StepRecord): string | undefined {
  if (before?.state === now.state && before.attempt === now.attempt) return undefined;
  if (now.state === "waiting") return undefined;
  const where = now.host === undefined ? "" : ` on ${now.host}`;
  const again = now.attempt > 1 ? ` (try ${String(now.attempt)})` : "";
  if (now.state === "running") return `${now.name}${where}${again}`;
  if (before?.state === now.state) return `undoing ${now.name}${where}${again}`;
  const why = now.error === undefined || now.state !== "failed" ? "" : `: ${errorText(now.error)}`;
  return `${now.name} ${now.state}${why}`;
}

export function errorText({ code, message, cause, reasons, hint }: ErrorDetail): string {
  const parts = [
    cause === "" ? message : `${message}: ${cause}`,
    ...reasons.slice(0, REASONS_TOLD_MAX).map((reason) => `- ${reason}`),
    ...(reasons.length > REASONS_TOLD_MAX ? ["- and more"] : []),
    ...(hint === "" ? [] : [`(${hint})`]),
  ];
  return withoutIds(`${code}: ${parts.join(" ")}`);
}

const withoutIds = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "(id)")
    .replace(/op-[0-9a-z]{6}/g, "(operation)");
