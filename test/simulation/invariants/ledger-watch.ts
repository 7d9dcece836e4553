/**
 * Checks every change of what is decided, as it happens: claims (S3), operations (S4), failures that explain
 * themselves (S9). Knows no operation type, so new ones are checked as well.
 */
import type { CapacityPolicy, Coordinator, LedgerView } from "@muster/coordinator";
import {
  canMoveOperation,
  isEnded,
  type HostRecord,
  type OperationRecord,
  type OperationState,
} from "@muster/model";
import type { Clock } from "@muster/runtime";
import { PlanWatch } from "./check-plans.ts";
import { ClaimsWatch } from "./claims-watch.ts";
import type { SimulatedWorld } from "@muster/agent/simulated";

/** Until the session of a host that was removed is over. */
const REMOVED_MS = 1_000;

export class LedgerWatch {
  readonly violations: string[] = [];
  readonly #claims: ClaimsWatch;
  readonly #clock: Clock;
  readonly #states = new Map<string, OperationState>();
  readonly #plans = new PlanWatch();
  /** Operations whose acceptance somebody was told of. */
  readonly #accepted = new Set<string>();
  /** Of the last coordinator: what the next one must find again. */
  #view: LedgerView | undefined;

  constructor(parts: {
    readonly world: SimulatedWorld;
    readonly clock: Clock;
    readonly capacity: CapacityPolicy;
  }) {
    this.#claims = new ClaimsWatch(parts);
    this.#clock = parts.clock;
  }

  /** A person was told that this operation will be done. */
  accepted(id: string): void {
    this.#accepted.add(id);
  }

  follow(coordinator: Coordinator): void {
    const { ledger } = coordinator;
    const { view } = ledger;
    this.#view = view;
    for (const id of this.#accepted) {
      if (![...view.operations.values()].some((operation) => operation.id === id)) {
        this.#broken(`S4: operation ${id} was accepted, and a restart forgot it`);
      }
    }
    // What the one before wrote in its last moment nobody heard of.
    for (const { id, state } of view.operations.values()) this.#states.set(id, state);
    this.#plans.follow(view);
    ledger.onChange((changes) => {
      // A coordinator that is dead may still think.
      if (this.#view !== view) return;
      for (const { kind, change, value } of changes) {
        if (kind === "plan" && change === "put") {
          this.violations.push(...this.#plans.check(value, view));
        }
        if (kind === "host" && change === "delete") this.#checkRemoved(value, coordinator);
        if (kind === "operation" && change === "put") this.#checkOperation(value);
        if (kind === "operation" && change === "delete") {
          if (!isEnded(value.state))
            this.#broken(`S4: ${value.id} was forgotten while ${value.state}`);
          this.#accepted.delete(value.id);
        }
      }
      if (changes.some(({ kind }) => kind === "vm" || kind === "claim")) {
        this.#checkHolds(view);
        this.#checkAddresses(view);
        this.violations.push(...this.#claims.check(changes, view));
      }
    });
  }

  /** S6: a moment later nobody listens to it any more, and nobody tells it anything. */
  #checkRemoved({ id, name }: HostRecord, { sessions, ledger }: Coordinator): void {
    void this.#clock.sleep(REMOVED_MS).then(() => {
      if (this.#view !== ledger.view || ledger.view.hosts.has(id)) return;
      if (sessions.isOpen(id)) {
        this.#broken(`S6: ${name} was removed, and its session goes on`);
      }
    });
  }

  #checkOperation(operation: OperationRecord): void {
    const { id, type, state, error } = operation;
    const before = this.#states.get(id);
    this.#states.set(id, state);
    if (before !== undefined && before !== state && !canMoveOperation(before, state)) {
      this.#broken(`S4: ${id} (${type}) went from ${before} to ${state}`);
    }
    if (state !== "failed") return;
    const failed = operation.steps.find((step) => step.error !== undefined);
    if (error === undefined || error.message === "") {
      this.#broken(`S9: ${id} (${type}) failed and does not say why`);
    } else if (failed === undefined) {
      this.#broken(`S9: ${id} (${type}) failed in no step: ${error.message}`);
    }
  }

  #checkHolds(view: LedgerView): void {
    for (const vm of view.vms.values()) {
      const holder = vm.operationId === undefined ? undefined : view.operations.get(vm.operationId);
      if (vm.operationId !== undefined && (holder === undefined || isEnded(holder.state))) {
        this.#broken(`S4: ${vm.spec.name} is held by ${vm.operationId}, which has ended`);
      }
      if (vm.target !== undefined && vm.operationId === undefined) {
        this.#broken(`S3: ${vm.spec.name} has a claim that no operation holds`);
      }
    }
  }

  /** No two NICs share a MAC, nor two on one network an address. */
  #checkAddresses(view: LedgerView): void {
    const owners = new Map<string, string>();
    for (const { spec } of view.vms.values()) {
      for (const { network, mac, addresses = [] } of spec.nics) {
        for (const own of [mac, ...addresses.map((address) => `${address} on ${network}`)]) {
          const other = owners.get(own);
          if (other !== undefined) this.#broken(`S3: ${own} belongs to ${other} and ${spec.name}`);
          owners.set(own, spec.name);
        }
      }
    }
  }

  #broken(what: string): void {
    this.violations.push(what);
  }
}
