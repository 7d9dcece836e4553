/** Files for the guest: where, what, whose, and who may read them. */
import { invalid } from "@muster/model";
import type { ContextFile } from "../context.ts";
import { bytesOf, fromBase64 } from "../bytes.ts";
import { checkText, ContextFields } from "./fields.ts";

/** A file is a configuration, a key or a script; what is larger belongs into an image. */
const FILE_CHARACTERS_MAX = 192 * 1_024;
const PATH = /^(\/[A-Za-z0-9._@%+=:,~ -]+)+$/;
const OWNER = /^[a-z_][a-z0-9_-]{0,31}(:[a-z_][a-z0-9_-]{0,31})?$/;

/** Absolute, nothing that goes up, nothing that a shell or a parser could take for more than a name. */
export function parsePath(text: string, path: string): string {
  checkText(text, path, {
    max: 1_024,
    pattern: PATH,
    what: "an absolute path of plain characters",
  });
  if (text.split("/").some((part) => part === ".." || part === ".")) {
    throw invalid(path, "must not have . or .. in it");
  }
  return text;
}

export const parseOwner = (text: string, path: string): string =>
  checkText(text, path, { pattern: OWNER, what: '"user" or "user:group"' });

function parseMode(value: unknown, path: string): number {
  // YAML reads 0600 as a number in one version and as another in the next.
  if (typeof value === "string" && /^0?[0-7]{3,4}$/.test(value)) return Number.parseInt(value, 8);
  throw invalid(path, "is not a mode", 'write it in quotes: "0600"');
}

export function parseFile(value: unknown, path: string): ContextFile {
  const known = ["path", "content", "base64", "mode", "owner"];
  const fields = new ContextFields(value, path, known);
  const text = fields.text("content", { max: FILE_CHARACTERS_MAX, lines: true });
  const encoded = fields.text("base64", { max: FILE_CHARACTERS_MAX * 2, lines: true });
  if ((text === undefined) === (encoded === undefined)) {
    throw invalid(fields.at("content"), "give either content or base64");
  }
  const { mode = "0644" } = value as { readonly mode?: unknown };
  return {
    path: parsePath(fields.requiredText("path"), fields.at("path")),
    content: text === undefined ? decoded(encoded ?? "", fields.at("base64")) : bytesOf(text),
    mode: parseMode(mode, fields.at("mode")),
    owner: parseOwner(fields.text("owner") ?? "root:root", fields.at("owner")),
  };
}

function decoded(text: string, path: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw invalid(path, "is not base64");
  return bytes;
}
