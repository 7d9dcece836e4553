/**
 * Bugs that somebody could write, as changes of the sources, and how soon the simulation finds each. They are made in a
 * copy (`mutant.ts`); the product has no switch for them.
 */
export interface Mutation {
  readonly name: string;
  /** The promise that it breaks. */
  readonly rule: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Kind of history in which it shows. */
  readonly hosts: number;
  readonly minutes: number;
  /** It is found within this many seeds from 1. */
  readonly seedsMax: number;
}

const operations = "packages/coordinator/src/operations";
const sessions = "packages/coordinator/src/sessions";
const commands = "packages/agent/src/commands";
const assignments = "packages/agent/src/assignments";

export const mutations: readonly Mutation[] = [
  {
    name: "a host that is not connected counts as a witness",
    rule: "S1",
    file: `${operations}/whereabouts.ts`,
    find: 'if (host?.connected !== true || !host.reported) return "unheard";',
    replace: 'if (host === undefined) return "absent";',
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
  {
    name: "a move that failed counts as done",
    rule: "S1",
    file: `${operations}/migrate-vm.ts`,
    find: 'if (where === "at-source" || where === "nowhere") throw failure;',
    replace: 'if (where === "at-source" || where === "nowhere") return;',
    hosts: 4,
    minutes: 30,
    seedsMax: 40,
  },
  {
    name: "what a host reported last says that it does not have a VM",
    rule: "S1",
    file: "packages/coordinator/src/reconcilers/restart-vms.ts",
    find: "const isAsked = hostId !== undefined && observations.get(hostId)?.connected === true;",
    replace: "const isAsked = hostId === undefined;",
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
  {
    name: "a host that is silent counts as off",
    rule: "S1",
    file: "packages/coordinator/src/ha/may-start-elsewhere.ts",
    find: "if (host.off === undefined) return no(`it is not certain that host ${host.name} is off`);",
    replace: 'if (host.off === undefined) return yes("it is silent");',
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
  {
    name: "a guest that takes too long has its plug pulled",
    rule: "S2",
    file: `${commands}/lifecycle.ts`,
    find: "const seconds = String(Math.round(graceMs / 1000));",
    replace:
      'await control.power(vmId, "destroy");\n  const seconds = String(Math.round(graceMs / 1000));',
    hosts: 4,
    minutes: 60,
    seedsMax: 100,
  },
  {
    name: "memory that is promised is not counted",
    rule: "S3",
    file: "packages/planner/src/filters/enough-memory.ts",
    find: "if (need <= (free[host] as number)) hosts[kept++] = host;",
    replace: "if (need <= (usage.memoryCapacityMiB[host] ?? 0)) hosts[kept++] = host;",
    hosts: 2,
    minutes: 30,
    seedsMax: 40,
  },
  {
    name: "a claim is not released with its operation",
    rule: "S3",
    file: `${operations}/migrate-vm.ts`,
    find: 'return [put("vm", isBack ? placed : { ...placed, away })];',
    replace: 'return [put("vm", released(vm))];',
    hosts: 4,
    minutes: 30,
    seedsMax: 20,
  },
  {
    name: "two of an anti-affinity group may share a host",
    rule: "S3",
    file: "packages/planner/src/filters/group-rules.ts",
    find: "applies: (_usage, want) => want.requiredRules.length > 0,",
    replace: "applies: (_usage, want) => want.requiredRules.length > 1,",
    hosts: 2,
    minutes: 30,
    seedsMax: 40,
  },
  {
    name: "a command is carried out again instead of answered",
    rule: "S4",
    file: `${commands}/command-runner.ts`,
    find: "if (known?.result !== undefined) return this.#parts.send(known.result);",
    replace: "",
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
  {
    name: "what was begun before a restart is begun anew",
    rule: "S4",
    file: `${commands}/command-runner.ts`,
    find: "this.#start(command, known === undefined ? carryOut : resume, known);",
    replace: "this.#start(command, carryOut, known);",
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
  {
    name: "what was begun before a restart is done without being asked for again",
    rule: "S1",
    file: `${commands}/command-runner.ts`,
    find: "else this.#unasked.add(command.commandId);",
    replace: "else this.#start(command, resume);",
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
  {
    name: "a command is carried out before it is journalled",
    rule: "S4",
    file: `${commands}/command-runner.ts`,
    find: "if (!journalled && isDurable(command)) await journal.begin(command);",
    replace: "if (!journalled && isDurable(command)) void journal.begin(command);",
    hosts: 4,
    minutes: 60,
    seedsMax: 100,
  },
  {
    name: "a result is acknowledged before it is recorded",
    rule: "S4",
    file: `${operations}/drive.ts`,
    find: "await act(this.#context(index, signal, commands));",
    replace:
      "await act(this.#context(index, signal, commands));\n      for (const { hostId, commandId } of commands) this.#parts.commands.acknowledge(hostId, commandId);",
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
  {
    name: "a rollback leaves what was defined",
    rule: "S4",
    file: `${operations}/create-vm.ts`,
    find: 'await context.command(placement.hostId, { kind: "delete-vm", vmId, spec, deleteVolumes: true });',
    replace: "void spec;",
    hosts: 4,
    minutes: 30,
    seedsMax: 40,
  },
  {
    name: "an operation that was being undone is forgotten by a restart",
    rule: "S4",
    file: `${operations}/operation-runner.ts`,
    find: "if (!isWaiting(operation)) this.#drive(operation.id);",
    replace:
      'if (!isWaiting(operation) && operation.state !== "undoing") this.#drive(operation.id);',
    hosts: 4,
    minutes: 60,
    seedsMax: 100,
  },
  {
    name: "a full disk ends the driving of an operation",
    rule: "S4",
    file: `${operations}/operation-runner.ts`,
    find: "this.#cannotGoOn(id, error);\n      }",
    replace: "this.#cannotGoOn(id, error);\n        return;\n      }",
    hosts: 4,
    minutes: 30,
    seedsMax: 100,
  },
  {
    name: "a command that is out of time goes on",
    rule: "S4",
    file: `${commands}/command-runner.ts`,
    find: "hypervisor: untilCancelled(parts.hypervisor, signal),",
    replace: "",
    hosts: 6,
    minutes: 120,
    seedsMax: 200,
  },
  {
    name: "a session goes on after its host was removed",
    rule: "S6",
    file: `${sessions}/sessions.ts`,
    find: 'if (kinds.has("host")) this.#closeRemoved();',
    replace: "",
    hosts: 4,
    minutes: 60,
    seedsMax: 100,
  },
  {
    name: "networks that cut their host off stay",
    rule: "S7",
    file: `${assignments}/network-keeper.ts`,
    find: "const { networks = [], layout } = this.#memory.confirmed ?? {};\n    await this.#apply(networks, layout);",
    replace: "",
    hosts: 4,
    minutes: 60,
    seedsMax: 100,
  },
  {
    name: "a change that nobody confirmed is kept",
    rule: "S7",
    file: `${assignments}/network-keeper.ts`,
    find: "if (!isHeard) {",
    replace: "if (!isHeard && signal.aborted) {",
    hosts: 4,
    minutes: 60,
    seedsMax: 100,
  },
  {
    name: "an agent that was killed in the middle of a change does not undo it",
    rule: "S7",
    file: `${assignments}/network-keeper.ts`,
    find: "if (last === undefined || !isUnderWay(last)) return;",
    replace: "if (last === undefined || last.attempt !== -1) return;",
    hosts: 4,
    minutes: 60,
    seedsMax: 200,
  },
];
