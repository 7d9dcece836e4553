/** A snapshot goes to a thread in pieces: copied at once, a large one would hold up the event loop for too long. */
import { noteSnapshotHash, snapshotHash, type Snapshot } from "@muster/planner";
import type { SnapshotPiece } from "./question-work.ts";

/** Some milliseconds of copying. */
const PARTS_AT_ONCE = 500;

/** In an order in which {@link SnapshotPieces} can put them together. */
export function* piecesOf(snapshot: Snapshot): Generator<SnapshotPiece> {
  const { hosts, vms, claims, ...whole } = snapshot;
  for (let at = 0; at < hosts.length; at += PARTS_AT_ONCE) {
    yield { kind: "hosts", parts: hosts.slice(at, at + PARTS_AT_ONCE) };
  }
  for (let at = 0; at < vms.length; at += PARTS_AT_ONCE) {
    yield { kind: "vms", parts: vms.slice(at, at + PARTS_AT_ONCE) };
  }
  for (let at = 0; at < claims.length; at += PARTS_AT_ONCE) {
    yield { kind: "claims", parts: claims.slice(at, at + PARTS_AT_ONCE) };
  }
  yield { kind: "whole", whole, hash: snapshotHash(snapshot) };
}

/** Sends all pieces, and lets everything else have its turn between two of them. */
export async function sendPieces(
  to: { postMessage(piece: SnapshotPiece): void },
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<void> {
  for (const piece of piecesOf(snapshot)) {
    if (signal.aborted) return;
    to.postMessage(piece);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Puts the pieces together again. */
export class SnapshotPieces {
  readonly #hosts: Snapshot["hosts"][number][] = [];
  readonly #vms: Snapshot["vms"][number][] = [];
  readonly #claims: Snapshot["claims"][number][] = [];

  /** The snapshot, once its last piece has come. */
  add(piece: SnapshotPiece): Snapshot | undefined {
    switch (piece.kind) {
      case "hosts":
        this.#hosts.push(...piece.parts);
        return undefined;
      case "vms":
        this.#vms.push(...piece.parts);
        return undefined;
      case "claims":
        this.#claims.push(...piece.parts);
        return undefined;
      case "whole": {
        const parts = { hosts: this.#hosts, vms: this.#vms, claims: this.#claims };
        const snapshot: Snapshot = { ...piece.whole, ...parts };
        noteSnapshotHash(snapshot, piece.hash);
        return snapshot;
      }
    }
  }
}
