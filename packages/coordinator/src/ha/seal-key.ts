/** Seals with AES-256-GCM under a key of the coordinator's own, kept in a file that only it can read. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { chmod, open, readFile } from "node:fs/promises";
import { MusterError } from "@muster/model";
import type { Random } from "@muster/runtime";
import type { Seal } from "./fencing.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

export function sealWith(key: Uint8Array, random: Random): Seal {
  return {
    seal(text) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64");
    },
    open(sealed) {
      try {
        const bytes = Buffer.from(sealed, "base64");
        const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new MusterError("wrong-state", "a secret of a fence device cannot be opened", {
          cause,
          hint: "bring back the coordinator's seal.key, or set the device again: muster host fence set",
        });
      }
    },
  };
}

/** Makes the key when there is none. All coordinators of a cluster need the same one. */
export async function openSeal(path: string, random: Random): Promise<Seal> {
  try {
    const key = await readFile(path);
    if (key.length !== KEY_BYTES) {
      throw new MusterError("storage-failed", `${path} is not a key of ${String(KEY_BYTES)} bytes`);
    }
    await chmod(path, 0o600);
    return sealWith(key, random);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const key = random.bytes(KEY_BYTES);
    const file = await open(path, "wx", 0o600);
    await file.writeFile(key);
    await file.sync();
    await file.close();
    return sealWith(key, random);
  }
}
