/**
 * Seals contexts with AES-256-GCM. The keys are kept in the store, sealed themselves with one that follows from the
 * authority's, which the store never has in clear: whichever coordinator leads opens what another one sealed, and a new
 * key needs no file to be copied. Bound to cluster, VM and key, so that a sealed context is worth nothing in another
 * VM's record.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { MusterError, type ClusterId, type ContextRecord, type VmId } from "@muster/model";
import type { Random } from "@muster/runtime";
import type { Seal } from "../ha/fencing.ts";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { SecretsRecord } from "../ledger/records.ts";
import type { LedgerView } from "../ledger/view.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Begins every sealed text: another way of sealing gets another number. */
const FORM = "muster-context-1:";

export interface SealingKey {
  readonly number: number;
  readonly key: Buffer;
  /** To be made with what is sealed, when the key is new. */
  readonly changes: readonly RecordChange[];
}

export class KeyRing {
  readonly #seal: Seal;
  readonly #random: Random;

  constructor(parts: { readonly seal: Seal; readonly random: Random }) {
    this.#seal = parts.seal;
    this.#random = parts.random;
  }

  /** The key in use; the first one is made when there is none. */
  current({ secrets }: Pick<LedgerView, "secrets">): SealingKey {
    const last = secrets?.keys.at(-1);
    if (last === undefined) return this.next({ secrets });
    return { number: last.number, key: this.#opened(last.sealedSecret), changes: [] };
  }

  /** A new key, in use from now on. */
  next({ secrets }: Pick<LedgerView, "secrets">): SealingKey {
    const keys = secrets?.keys ?? [];
    const number = (keys.at(-1)?.number ?? 0) + 1;
    const key = Buffer.from(this.#random.bytes(KEY_BYTES));
    const record: SecretsRecord = {
      keys: [...keys, { number, sealedSecret: this.#seal.seal(key.toString("base64")) }],
    };
    return { number, key, changes: [put("secrets", record)] };
  }

  close(
    text: string,
    { number, key }: SealingKey,
    about: { readonly clusterId: ClusterId; readonly vmId: VmId },
  ): string {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, key, nonce);
    cipher.setAAD(boundTo(about, number));
    const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return FORM + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64");
  }

  /** Throws "wrong-state" when it was forgotten, or cannot be opened any more. */
  open(view: Pick<LedgerView, "secrets" | "cluster">, context: ContextRecord): string {
    const { vmId, secretKey: number, sealedSecret } = context;
    if (sealedSecret === undefined) {
      throw new MusterError("wrong-state", "the context was forgotten when its disk was removed");
    }
    try {
      const kept = view.secrets?.keys.find((key) => key.number === number);
      if (kept === undefined) throw new Error(`key ${String(number)} is gone`);
      if (!sealedSecret.startsWith(FORM)) throw new Error("it is sealed in another way");
      const bytes = Buffer.from(sealedSecret.slice(FORM.length), "base64");
      const key = this.#opened(kept.sealedSecret);
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(boundTo({ clusterId: view.cluster.id, vmId }, number));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString("utf8");
    } catch (cause) {
      throw new MusterError("wrong-state", `the context of VM ${vmId} cannot be opened`, {
        cause,
        hint: "the store comes from another cluster, or was changed: create the VM again",
      });
    }
  }

  #opened(sealed: string): Buffer {
    return Buffer.from(this.#seal.open(sealed), "base64");
  }
}

const boundTo = (
  { clusterId, vmId }: { readonly clusterId: ClusterId; readonly vmId: VmId },
  number: number,
): Buffer => Buffer.from(`${clusterId}/${vmId}/${String(number)}`);
