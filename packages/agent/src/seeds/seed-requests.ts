/**
 * What is in the seeds of VMs, asked of the coordinator at the moment of use: commands are journalled, and no journal may
 * hold a secret.
 */
import { errorFrom, type AgentMessage, type SeedContents, type VmId } from "@muster/model";

type Waiting = (contents: SeedContents) => void;

export class SeedRequests {
  readonly #send: (message: AgentMessage) => void;
  readonly #waiting = new Map<VmId, Set<Waiting>>();

  /** `send` may lose what it is given: all that is waited for is asked again when a session opens. */
  constructor(send: (message: AgentMessage) => void) {
    this.#send = send;
  }

  /** Rejects with the coordinator's refusal, or the signal's reason. */
  async fetch(vmId: VmId, signal: AbortSignal): Promise<SeedContents> {
    const contents = await new Promise<SeedContents>((resolve, reject) => {
      const waiting = this.#waiting.get(vmId) ?? new Set<Waiting>();
      this.#waiting.set(vmId, waiting);
      const stop = (): void => {
        waiting.delete(answered);
        if (waiting.size === 0) this.#waiting.delete(vmId);
        signal.removeEventListener("abort", aborted);
      };
      const answered: Waiting = (answer) => {
        stop();
        resolve(answer);
      };
      const aborted = (): void => {
        stop();
        reject(signal.reason as Error);
      };
      waiting.add(answered);
      signal.addEventListener("abort", aborted);
      if (signal.aborted) aborted();
      else this.#send({ kind: "seed-request", vmId });
    });
    if (contents.error !== undefined) throw errorFrom(contents.error);
    return contents;
  }

  received(contents: SeedContents): void {
    for (const answered of [...(this.#waiting.get(contents.vmId) ?? [])]) answered(contents);
  }

  sessionOpened(): void {
    for (const vmId of this.#waiting.keys()) this.#send({ kind: "seed-request", vmId });
  }
}
