/** What the guest of a new VM is told about itself, from flags and a file. */
import { parseContext } from "@muster/context";
import { invalid } from "@muster/model";
import type { Command } from "commander";
import { parseYaml } from "../spec/spec-file.ts";
import type { Keyboard } from "../surroundings.ts";
import { repeated } from "./flags.ts";
import { readTextFile } from "./spec-flags.ts";

export interface ContextFlags {
  readonly context?: string;
  readonly sshKey?: readonly string[];
  readonly userData?: string;
}

export const addContextFlags = (command: Command): Command =>
  command
    .option("--context <file>", "what the guest is told about itself, in YAML or JSON, - for stdin")
    .option(
      "--ssh-key <key|file>",
      "a public key that may log in, or a file of them; repeat for more",
      repeated((text) => text),
    )
    .option("--user-data <file>", "for the guest's cloud-init as it is, beside the rest");

const isKey = (text: string): boolean => /^(ssh|ecdsa|sk)-\S+ /.test(text);

async function keysOf(text: string, stdin: Keyboard): Promise<readonly string[]> {
  if (isKey(text)) return [text];
  const file = await readTextFile(text, stdin);
  const lines = file.text.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0) throw invalid("--ssh-key", `${file.source} has no public key`);
  return keys;
}

type Document = Readonly<Record<string, unknown>>;

async function documentOf(path: string | undefined, stdin: Keyboard): Promise<Document> {
  if (path === undefined) return {};
  const { text, source } = await readTextFile(path, stdin);
  const document = parseYaml(text, source);
  if (typeof document === "object" && document !== null && !Array.isArray(document)) {
    return document as Document;
  }
  throw invalid(source, "must be an object with fields", "such as: hostname: web-1.example.org");
}

/** As JSON; empty: none of the flags was given. Refused here already when it is wrong. */
export async function contextOfFlags(flags: ContextFlags, stdin: Keyboard): Promise<string> {
  const { context, sshKey, userData } = flags;
  if (context === undefined && sshKey === undefined && userData === undefined) return "";
  const document = await documentOf(context, stdin);
  const keys = await Promise.all((sshKey ?? []).map((text) => keysOf(text, stdin)));
  const more = userData === undefined ? undefined : await readTextFile(userData, stdin);
  const known = document["sshKeys"];
  const whole = {
    ...document,
    ...(keys.length === 0
      ? {}
      : { sshKeys: [...(Array.isArray(known) ? (known as unknown[]) : []), ...keys.flat()] }),
    ...(more === undefined ? {} : { userData: more.text }),
  };
  parseContext(whole);
  return JSON.stringify(whole, (_name, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  );
}
