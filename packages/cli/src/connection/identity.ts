/** Who we are to a coordinator on another machine: a directory of three PEM files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MusterError } from "@muster/model";
import type { ClientTrust } from "@muster/runtime";

const HINT =
  "an identity is a directory with key.pem, certificate.pem and authority.pem: name it with --identity or $MUSTER_IDENTITY";

/** Throws `unauthenticated` when a file is missing or cannot be read. */
export function loadIdentity(directory: string | undefined): ClientTrust {
  if (directory === undefined || directory === "") {
    throw new MusterError("unauthenticated", "no identity was given for an https coordinator", {
      hint: HINT,
    });
  }
  const read = (name: string): string => {
    const path = join(directory, name);
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      throw new MusterError("unauthenticated", `cannot read ${path}`, { cause, hint: HINT });
    }
  };
  return {
    authority: read("authority.pem"),
    identity: { privateKey: read("key.pem"), certificate: read("certificate.pem") },
  };
}
