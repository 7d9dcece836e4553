/** Asks the distribution's minisign or gpgv whether a file was signed with a key that counts. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMusterError, MusterError, type ImageSignature } from "@muster/model";
import { runTool } from "./run-tool.ts";

/** Hashing the largest image takes most of it. */
const LIMITS = { seconds: 3_600, memoryBytes: 8 * 1024 ** 3, fileBytes: 16n * 1024n ** 2n };

/** Throws `forbidden` unless the signature is good. */
export async function verifySignature(
  path: string,
  { kind, key, signature, publicKey }: ImageSignature & { readonly publicKey: string },
  options: { readonly what: string; readonly signal: AbortSignal },
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "muster-signature-"));
  const [signatureFile, keyFile] = [join(directory, "signature"), join(directory, "key")];
  try {
    await writeFile(signatureFile, signature.endsWith("\n") ? signature : `${signature}\n`);
    if (kind === "minisign") {
      await runTool(
        ["minisign", "-V", "-q", "-m", path, "-x", signatureFile, "-P", lastLine(publicKey)],
        {
          limits: LIMITS,
          signal: options.signal,
        },
      );
    } else {
      await writeFile(keyFile, dearmoured(publicKey));
      await runTool(["gpgv", "--homedir", directory, "--keyring", keyFile, signatureFile, path], {
        limits: LIMITS,
        signal: options.signal,
      });
    }
  } catch (cause) {
    options.signal.throwIfAborted();
    if (isMusterError(cause) && cause.code === "wrong-state") throw cause;
    throw new MusterError("forbidden", `${options.what}: its signature is not one of key ${key}`, {
      cause,
      hint: "nothing was taken; ask whoever signs for another signature: muster image policy show",
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A minisign key file has a comment before the key. */
const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.trim() ?? "";

/** gpgv reads keyrings in binary form only. */
function dearmoured(text: string): Buffer {
  const lines = text.trim().split(/\r?\n/);
  const begin = lines.findIndex((line) => line.startsWith("-----BEGIN PGP PUBLIC KEY BLOCK"));
  const end = lines.findIndex((line) => line.startsWith("-----END PGP PUBLIC KEY BLOCK"));
  if (begin < 0 || end < begin) {
    throw new MusterError("invalid", "the trusted key is no armoured OpenPGP key");
  }
  const blank = lines.indexOf("", begin);
  const body = lines.slice(blank < 0 || blank > end ? begin + 1 : blank + 1, end);
  return Buffer.from(body.filter((line) => !line.startsWith("=")).join(""), "base64");
}
