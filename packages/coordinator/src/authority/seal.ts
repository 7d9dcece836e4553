/**
 * Seals the authority's key, so that it can lie in a store that others can read: with a key of its own, in a file that
 * every coordinator has and the store never sees. AES-256-GCM; bound to the cluster, so that a sealed key of one cluster
 * is worth nothing in another.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { readFile } from "node:fs/promises";
import { MusterError, type ClusterId } from "@muster/model";
import { replaceFile, type Random } from "@muster/runtime";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Begins every sealed text: another way of sealing gets another number. */
const FORM = "muster-seal-1:";

export class Seal {
  readonly #key: Buffer;
  readonly #path: string;

  private constructor(key: Buffer, path: string) {
    this.#key = key;
    this.#path = path;
  }

  /** Undefined when there is no file. Throws `storage-failed` when it is not a seal. */
  static async load(path: string): Promise<Seal | undefined> {
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw new MusterError("storage-failed", `failed to read ${path}`, { cause });
    }
    const key = Buffer.from(text.trim(), "base64url");
    if (key.length === KEY_BYTES) return new Seal(key, path);
    throw new MusterError("storage-failed", `${path} is not a seal`, {
      hint: "copy the file from another coordinator of this cluster",
    });
  }

  static async create(path: string, random: Random): Promise<Seal> {
    const key = Buffer.from(random.bytes(KEY_BYTES));
    await replaceFile(path, { text: `${key.toString("base64url")}\n`, mode: 0o600 });
    return new Seal(key, path);
  }

  close(text: string, clusterId: ClusterId, random: Random): string {
    const nonce = random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    cipher.setAAD(Buffer.from(clusterId));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return FORM + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
  }

  /** Throws `storage-failed` when it was sealed with another seal, for another cluster, or was changed. */
  open(sealed: string, clusterId: ClusterId): string {
    const bytes = Buffer.from(sealed.slice(FORM.length), "base64url");
    try {
      if (!sealed.startsWith(FORM)) throw new Error("it is sealed in another way");
      const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(clusterId));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString("utf8");
    } catch (cause) {
      throw new MusterError("storage-failed", `${this.#path} does not open the authority's key`, {
        cause,
        hint: "copy the file from another coordinator of this cluster",
      });
    }
  }
}
