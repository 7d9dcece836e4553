/** What the lockfile brings in: licences and origins. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./sources.ts";

interface LockedPackage {
  readonly license?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

export function lockedPackages(): ReadonlyMap<string, LockedPackage> {
  const lock = readJson("package-lock.json");
  if (!isRecord(lock) || !isRecord(lock["packages"])) throw new Error("package-lock.json is odd");
  const entries = Object.entries(lock["packages"]).flatMap(([path, value]) => {
    if (!isRecord(value)) return [];
    const { license, resolved, link, dev } = value;
    const locked: LockedPackage = {
      ...(typeof license === "string" ? { license } : {}),
      ...(typeof resolved === "string" ? { resolved } : {}),
      link: link === true,
      dev: dev === true,
    };
    return [[path, locked] as const];
  });
  return new Map(entries);
}

/** Compatible with Apache-2.0 in a program that is passed on. */
const permissive = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Python-2.0",
  "Unlicense",
  "Zlib",
]);
/** Tools that are run and never passed on may also ask for their own changes back. */
const toolsOnly = new Set(["MPL-2.0", "CC-BY-3.0", "CC-BY-4.0"]);

/** `(MIT OR GPL-2.0) AND ISC`: one of each OR, all of each AND. */
export function licenceAllowed(
  expression: string,
  { shipped }: { readonly shipped: boolean },
): boolean {
  const plain = expression.replace(/^\((.*)\)$/, "$1");
  if (/\bAND\b/.test(plain) && !/[()]/.test(plain)) {
    return plain.split(/\s+AND\s+/).every((part) => licenceAllowed(part, { shipped }));
  }
  const parts = plain.replaceAll(/[()]/g, "").split(/\s+OR\s+/);
  return parts.some((part) => permissive.has(part) || (!shipped && toolsOnly.has(part)));
}

/** The licence as the lockfile or the installed package says it. */
export function licenceOf(path: string, locked: LockedPackage): string {
  if (locked.license !== undefined) return locked.license;
  const manifest = join(path, "package.json");
  if (!existsSync(join(root, manifest))) return "unknown";
  const content = readJson(manifest);
  if (!isRecord(content)) return "unknown";
  const { license, licenses } = content;
  if (typeof license === "string") return license;
  const listed: readonly unknown[] = Array.isArray(licenses) ? licenses : [license];
  return listed
    .map((entry) =>
      isRecord(entry) && typeof entry["type"] === "string" ? entry["type"] : "unknown",
    )
    .join(" OR ");
}

/** Names a package declares, so that it can be used where the workspace is not. */
export function declaredDependencies(packageDirectory: string): ReadonlySet<string> {
  const manifest = readJson(join(packageDirectory, "package.json"));
  if (!isRecord(manifest)) return new Set();
  const groups = [
    manifest["dependencies"],
    manifest["peerDependencies"],
    manifest["optionalDependencies"],
  ];
  return new Set(groups.flatMap((group) => (isRecord(group) ? Object.keys(group) : [])));
}

/** Files a package shows to others, from the root. */
export function entryPoints(packageDirectory: string): string[] {
  const manifest = readJson(join(packageDirectory, "package.json"));
  if (!isRecord(manifest)) return [];
  const { exports: shown } = manifest;
  const listed = isRecord(shown) ? Object.values(shown) : [];
  return listed.flatMap((path) => (typeof path === "string" ? join(packageDirectory, path) : []));
}
