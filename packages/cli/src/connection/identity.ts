/** Who we are to a coordinator on another machine: a directory of three PEM files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MusterError } from "@muster/model";

export interface Identity {
  readonly key: Buffer;
  readonly certificate: Buffer;
  readonly authority: Buffer;
}

const HINT =
  "an identity is a directory with key.pem, certificate.pem and authority.pem: name it with --identity or $MUSTER_IDENTITY";

/** Throws `unauthenticated` when a file is missing or cannot be read. */
export function loadIdentity(directory: string | undefined): Identity {
  if (directory === undefined || directory === "") {
    throw new MusterError("unauthenticated", "no identity was given for an https coordinator", {
      hint: HINT,
    });
  }
  const read = (name: string): Buffer => {
    const path = join(directory, name);
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new MusterError("unauthenticated", `cannot read ${path}`, { cause, hint: HINT });
    }
  };
  return {
    key: read("key.pem"),
    certificate: read("certificate.pem"),
    authority: read("authority.pem"),
  };
}
