/**
 * Seals secrets of fence devices with AES-256-GCM. The key follows from the authority's, so that whichever coordinator
 * leads opens what another one sealed.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { MusterError } from "@muster/model";
import type { Random } from "@muster/runtime";
import type { Authority } from "../authority/authority.ts";
import type { Seal } from "./fencing.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";
/** Another way of sealing gets another number. */
const PURPOSE = "muster secrets of fence devices 1";

/** `authority`: asked for at the moment of use; a leader has it before it decides anything. */
export function sealOf(authority: () => Authority, random: Random): Seal {
  const key = (): Uint8Array => authority().derivedKey(PURPOSE, KEY_BYTES);
  return {
    seal(text) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key(), nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64");
    },
    open(sealed) {
      try {
        const bytes = Buffer.from(sealed, "base64");
        const decipher = createDecipheriv(CIPHER, key(), bytes.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new MusterError("wrong-state", "a secret of a fence device cannot be opened", {
          cause,
          hint: "set the device again: muster host fence set",
        });
      }
    },
  };
}
