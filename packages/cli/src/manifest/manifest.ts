/** A manifest: a file of YAML documents that each say what one network, uplink, reservation or rule should be. PURE. */
import { invalid, MusterError } from "@muster/model";
import { parseAllDocuments } from "yaml";
import { nearest } from "../spec/nearest.ts";
import { readers, type Wanted } from "./objects.ts";

/** A few hundred bytes an object; more is another file by mistake. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

/** Stops a few lines of aliases from becoming gigabytes. */
const ALIASES_MAX = 100;

export interface Manifest {
  readonly wanted: Wanted;
  /** "net.yaml, document 2" */
  readonly where: string;
}

/** Throws `invalid` with file, document and field. Empty documents are skipped. */
export function parseManifests(text: string, source: string): Manifest[] {
  if (Buffer.byteLength(text) > MANIFEST_BYTES_MAX) {
    throw invalid(source, "is larger than 4 MiB", "split it into several files of one directory");
  }
  // JSON is YAML. Whole numbers become bigint so that a number too long for its field is refused, not rounded.
  const documents = parseAllDocuments(text, { intAsBigInt: true });
  return [...documents].flatMap((document, index): Manifest[] => {
    const where = `${source}, document ${String(index + 1)}`;
    const [problem] = document.errors;
    if (problem !== undefined) {
      throw new MusterError("invalid", `${where} is neither YAML nor JSON`, { cause: problem });
    }
    return inside(where, () => {
      const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
      return value === null || value === undefined ? [] : [{ wanted: readObject(value), where }];
    });
  });
}

function inside<Result>(where: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MusterError)) {
      throw new MusterError("invalid", `${where} cannot be expanded`, { cause: error });
    }
    throw new MusterError(error.code, `${where}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.cause === undefined ? {} : { cause: error.cause }),
    });
  }
}

function readObject(value: unknown): Wanted {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("document", "must be an object with fields", "begin with kind: network");
  }
  const kinds = Object.keys(readers);
  const known = `kinds: ${kinds.join(", ")}`;
  const kind = "kind" in value ? value.kind : undefined;
  if (kind === undefined || kind === null) throw invalid("kind", "is required", known);
  if (typeof kind !== "string") throw invalid("kind", "must be text", known);
  const isKnown = (word: string): word is keyof typeof readers => kinds.includes(word);
  if (isKnown(kind)) return readers[kind](value);
  const meant = nearest(kind, kinds);
  const hint = meant === undefined ? known : `did you mean "${meant}"?`;
  throw invalid("kind", `"${kind.slice(0, 40)}" is no kind`, hint);
}
