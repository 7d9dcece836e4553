/**
 * Watches what agents have done to VMs, at the moment they have it done: on a journalled command only (S4, S5),
 * nothing powered off that nobody asked for (S2), no wild VM touched (S8).
 */
import {
  isEnded,
  isGuarded,
  policyOf,
  vmIdOf,
  type Command,
  type CommandResult,
  type OperationRecord,
} from "@muster/model";
import type { LedgerView } from "@muster/coordinator";
import type { Act } from "../watched-hypervisor.ts";
import { CommandWatch } from "./command-watch.ts";

interface Journalled {
  readonly command: Command;
  readonly result?: CommandResult;
}

export interface GuardParts {
  /** What the host's journal holds, the finished that are not acknowledged yet included. */
  readonly entriesOf: (host: string) => readonly Journalled[];
  /** As the coordinator has it, or had it when it died. */
  readonly view: () => LedgerView | undefined;
  /** VMs that are not muster's, by host. */
  readonly isWild: (act: Act) => boolean;
  readonly nowMs: () => number;
}

const powersOff = new Set(["power destroy", "power shutdown"]);

/**
 * Operation types that may have a VM powered off, and when. A type that is not here may not: whoever adds one says so.
 */
const mayPowerOff: Readonly<Record<string, (operation: OperationRecord, what: string) => boolean>> =
  {
    // The plug is pulled only with --force.
    "vm-stop": ({ parameters }, what) =>
      what === "power shutdown" || (parameters as { readonly force: boolean }).force,
    // Only with --force has it a step of that name.
    "vm-delete": ({ steps }) => steps.some(({ name }) => name === "stop"),
    // Nobody was given it yet.
    "vm-create": ({ state }) => state === "undoing" || isEnded(state),
    // The same; a compute that is given up is undone on the way.
    "cluster-boot": () => true,
    "cluster-grow": () => true,
    // The plug is pulled only with --force.
    "cluster-shutdown": ({ parameters }, what) => isGentle(parameters, what),
    "cluster-shrink": ({ parameters }, what) => isGentle(parameters, what),
  };

const isGentle = (parameters: unknown, what: string): boolean =>
  what === "power shutdown" || (parameters as { readonly force: boolean }).force;

export class Guard {
  readonly commands: CommandWatch;
  readonly #violations: string[] = [];
  readonly #parts: GuardParts;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.commands = new CommandWatch(parts);
  }

  get violations(): readonly string[] {
    return [...this.#violations, ...this.commands.violations];
  }

  saw(act: Act): void {
    const { what, host, vmId } = act;
    if (this.#parts.isWild(act)) this.#broken(`S8: ${what} of a wild VM on ${host}`);
    const entries = this.#parts
      .entriesOf(host)
      .filter(({ command }) => vmIdOf(command.action) === vmId);
    // At most one: commands for one VM are begun one after the other.
    const commands = entries.flatMap(({ command, result }) =>
      result === undefined ? [command] : [],
    );
    for (const command of commands) this.commands.acts(act, command);
    if (this.#isPolicy(act)) return;
    if (commands.length === 0) {
      const ended = entries.map(({ command }) => command.commandId).join(", ");
      const why = ended === "" ? "a journalled command" : `one that had not ended (${ended} had)`;
      this.#broken(`S4: ${what} of ${this.#nameOf(act)} on ${host} without ${why}`);
    }
    if (powersOff.has(what) && !commands.some((command) => this.#isAllowed(command, what))) {
      const behind = commands.map(({ commandId }) => commandId).join(", ");
      this.#broken(`S2: ${what} of ${this.#nameOf(act)} on ${host}, asked for by "${behind}"`);
    }
  }

  /** What its owner asked the host to do by itself: stop it without a lease, start it after a boot. */
  #isPolicy({ what, vmId }: Act): boolean {
    const spec = this.#parts.view()?.vms.get(vmId)?.spec;
    if (spec === undefined) return false;
    const policy = policyOf(spec);
    if (what === "power destroy") return isGuarded(policy);
    return what === "power start" && policy.autostart;
  }

  #isAllowed({ commandId }: Command, what: string): boolean {
    const [id] = commandId.split("/");
    const operations = [...(this.#parts.view()?.operations.values() ?? [])];
    const operation = operations.find((candidate) => candidate.id === id);
    if (operation === undefined) return false;
    return mayPowerOff[operation.type]?.(operation, what) ?? false;
  }

  #nameOf({ vmId }: Act): string {
    return this.#parts.view()?.vms.get(vmId)?.spec.name ?? "a VM nobody knows";
  }

  #broken(what: string): void {
    this.#violations.push(`${what} at ${(this.#parts.nowMs() / 1000).toFixed(3)} s`);
  }
}
