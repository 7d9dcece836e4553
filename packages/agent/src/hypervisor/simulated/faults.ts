/** Faults a test or a demonstration asks for: what a simulated libvirtd does instead of answering properly. */
import type { VmId } from "@muster/model";

export type SimulatedOperation =
  | "define"
  | "start"
  | "shutdown"
  | "destroy"
  | "reboot"
  | "reset"
  | "pause"
  | "resume"
  | "mark"
  | "undefine"
  | "remove-volumes"
  | "check-arrival"
  | "migrate"
  | "list"
  | "observe"
  | "sample"
  | "facts"
  | "console"
  | "place-seed"
  | "remove-seed"
  | "reports";

export type FaultEffect =
  /** libvirt refuses; nothing changed. */
  | { readonly kind: "fail"; readonly message?: string }
  /** It is done, but the connection breaks before the answer arrives. */
  | { readonly kind: "lose-answer" }
  | { readonly kind: "slow"; readonly extraMs: number }
  /** No answer until the faults are cleared or libvirtd restarts; then it is done. */
  | { readonly kind: "hang" };

export interface Fault {
  readonly operation: SimulatedOperation | "any";
  /** Absent: whatever VM. */
  readonly vmId?: VmId;
  /** How many calls it meets; 1 when absent. */
  readonly times?: number;
  readonly effect: FaultEffect;
}

export class FaultBox {
  #faults: { readonly fault: Fault; left: number }[] = [];
  #cleared = new AbortController();

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Also lets what hangs go on. */
  clear(): void {
    this.#faults = [];
    this.#cleared.abort();
    this.#cleared = new AbortController();
  }

  /** Aborts when faults are cleared. */
  get cleared(): AbortSignal {
    return this.#cleared.signal;
  }

  take(operation: SimulatedOperation, vmId: VmId | undefined): FaultEffect | undefined {
    const entry = this.#faults.find(
      ({ fault }) =>
        (fault.operation === "any" || fault.operation === operation) &&
        (fault.vmId === undefined || fault.vmId === vmId),
    );
    if (entry === undefined) return undefined;
    entry.left -= 1;
    if (entry.left <= 0) this.#faults = this.#faults.filter((other) => other !== entry);
    return entry.fault.effect;
  }
}
