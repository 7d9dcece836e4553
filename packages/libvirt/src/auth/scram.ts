/** SCRAM-SHA-256 (RFC 5802, RFC 7677): proves the password without sending it, and that the server knows it too. */
import type * as crypto from "node:crypto";
import { AuthenticationError } from "../errors.ts";

/** node:crypto, handed in: who never authenticates does not load it, bundled or not. */
export type Crypto = typeof crypto;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Below RFC 7677's least a server may be after the password; above the other one it may be after our CPU. */
const ITERATIONS_MIN = 4096;
const ITERATIONS_MAX = 10_000_000;

/** No channel binding. */
const GS2_HEADER = "n,,";

const escapeName = (name: string) => name.replaceAll("=", "=3D").replaceAll(",", "=2C");

/** One exchange: first(), then final() with the server's challenge, then verify() with its last word. */
export class ScramClient {
  readonly #credentials: Credentials;
  readonly #nonce: string;
  readonly #crypto: Crypto;
  #serverSignature: Buffer | undefined;

  /** `nonce` is random and never used again. */
  constructor(crypto: Crypto, credentials: Credentials, nonce: string) {
    this.#crypto = crypto;
    this.#credentials = credentials;
    this.#nonce = nonce;
  }

  first(): string {
    return GS2_HEADER + this.#firstBare();
  }

  /** Throws AuthenticationError if the challenge is not an answer to first(). */
  final(challenge: string): string {
    const { r: nonce = "", s: salt = "", i: iterations = "" } = attributes(challenge);
    const rounds = Number(iterations);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) {
      throw new AuthenticationError("the daemon's SCRAM nonce is not an extension of ours");
    }
    if (!Number.isInteger(rounds) || rounds < ITERATIONS_MIN || rounds > ITERATIONS_MAX) {
      throw new AuthenticationError(`the daemon wants ${iterations} SCRAM iterations`);
    }
    const password = this.#credentials.password.normalize("NFKC");
    const { createHash, createHmac, pbkdf2Sync } = this.#crypto;
    const sha256 = (data: Buffer) => createHash("sha256").update(data).digest();
    const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
    const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), rounds, 32, "sha256");
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString("base64")},r=${nonce}`;
    const signed = `${this.#firstBare()},${challenge},${withoutProof}`;
    const clientKey = hmac(salted, "Client Key");
    const signature = hmac(sha256(clientKey), signed);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
    this.#serverSignature = hmac(hmac(salted, "Server Key"), signed);
    return `${withoutProof},p=${proof.toString("base64")}`;
  }

  /** Throws AuthenticationError unless the daemon proved that it knows the password. */
  verify(last: string): void {
    const { v = "", e } = attributes(last);
    if (e !== undefined) throw new AuthenticationError(`the daemon refused the password: ${e}`);
    const given = Buffer.from(v, "base64");
    const expected = this.#serverSignature;
    if (
      !expected ||
      given.length !== expected.length ||
      !this.#crypto.timingSafeEqual(given, expected)
    ) {
      throw new AuthenticationError("the daemon does not know the password itself");
    }
  }

  #firstBare(): string {
    return `n=${escapeName(this.#credentials.username)},r=${this.#nonce}`;
  }
}

function attributes(message: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(message.split(",").map((part) => [part.slice(0, 1), part.slice(2)]));
}
