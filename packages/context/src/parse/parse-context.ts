/**
 * The door: what a person wrote, as YAML or JSON brought it, becomes a `Context`, or a refusal that names the field.
 * Behind it every value can be written in every form without becoming code.
 */
import { invalid, parseAddress, renderAddress, seedFormats } from "@muster/model";
import {
  type ClusterMember,
  type Context,
  type ContextDns,
  type ContextUser,
  type HostCertificate,
  type HostKey,
} from "../context.ts";
import { checkText, ContextFields } from "./fields.ts";
import { parseFile, parseOwner, parsePath } from "./parse-file.ts";
import { parsePolicy } from "./parse-policy.ts";

/** Of the whole document as JSON: it is kept sealed in the store, and etcd takes 1.5 MiB. */
export const CONTEXT_BYTES_MAX = 256 * 1_024;

const LIST_MAX = 256;
const KEY_TEXT_MAX = 32 * 1_024;
const USER_NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
const HOST_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** One public key as OpenSSH writes it; options before it are code and are not taken. */
const SSH_KEY = /^(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}( [^\n]*)?$/;
const PASSWORD_HASH = /^[$A-Za-z0-9./=,*!-]{1,255}$/;
const PEM = /^-----BEGIN [A-Z0-9 ]+-----\n[A-Za-z0-9+/=\n\r:, -]+-----END [A-Z0-9 ]+-----\n*/;
const PACKAGE = /^[A-Za-z0-9][A-Za-z0-9+.:~_=@/-]{0,127}$/;
/** What sh takes as a variable's name. */
const VALUE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** Every value becomes a variable of the shell that runs the guest's commands. */
const shellNames = new Set(["PATH", "IFS", "ENV", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH"]);
const TIMEOUT = /^(\d{1,6})(s|m|h)$/;
const TIMEOUT_DEFAULT_MS = 30 * 60_000;
/** A guest that installs for longer than a day is not coming. */
const TIMEOUT_MAX_MS = 24 * 3_600_000;

const documentFields = [
  ...["format", "hostname", "users", "sshKeys", "hostKeys", "certificates", "authorities", "dns"],
  ...["files", "packages", "commands", "values", "members", "policies", "userData"],
  ...["afterFirstBoot", "report", "timeout"],
];

/** `path` begins the names of fields in refusals. Throws MusterError "invalid". */
export function parseContext(value: unknown, path = "context"): Context {
  const fields = new ContextFields(value, path, documentFields);
  const hostname = fields.text("hostname", { max: 253, pattern: HOST_NAME, what: "a host name" });
  const userData = fields.text("userData", { max: CONTEXT_BYTES_MAX, lines: true });
  const format = fields.choice("format", seedFormats, "nocloud");
  if (userData !== undefined) checkUserData(userData, format, fields.at("userData"));
  const files = fields.list("files", LIST_MAX, parseFile);
  refuseTwice(files, fields.at("files"));
  return {
    format,
    ...(hostname === undefined ? {} : { hostname }),
    users: fields.list("users", LIST_MAX, parseUser),
    sshKeys: fields.list("sshKeys", LIST_MAX, parseSshKey),
    hostKeys: fields.list("hostKeys", 8, parseHostKey),
    certificates: fields.list("certificates", LIST_MAX, parseCertificate),
    authorities: fields.list("authorities", LIST_MAX, parsePem),
    dns: parseDns(fields),
    files,
    packages: fields.list("packages", LIST_MAX, (each, at) =>
      checkText(each, at, { pattern: PACKAGE, what: "the name of a package" }),
    ),
    commands: fields.list("commands", LIST_MAX, (each, at) =>
      checkText(each, at, { max: KEY_TEXT_MAX, lines: true }),
    ),
    values: parseValues(fields),
    members: fields.list("members", 4_096, parseMember),
    policies: fields.list("policies", 16, parsePolicy),
    ...(userData === undefined ? {} : { userData }),
    afterFirstBoot: fields.choice("afterFirstBoot", ["keep", "remove"], "keep"),
    report: fields.choice("report", ["channel", "none"], "channel"),
    timeoutMs: parseTimeout(fields),
  };
}

function checkUserData(userData: string, format: Context["format"], path: string): void {
  if (format === "stratuslab") {
    throw invalid(path, "is for cloud-init, which does not read a stratuslab disk");
  }
  if (/^(content-type|mime-version):/i.test(userData)) {
    throw invalid(path, "is a MIME message", "give the one part of it that matters, as it is");
  }
}

function refuseTwice(files: Context["files"], path: string): void {
  const paths = new Set<string>();
  files.forEach((file, index) => {
    if (paths.has(file.path)) throw invalid(`${path}[${String(index)}].path`, "is given twice");
    paths.add(file.path);
  });
}

export const parseSshKey = (value: unknown, path: string): string =>
  checkText(typeof value === "string" ? value.trim() : value, path, {
    max: KEY_TEXT_MAX,
    pattern: SSH_KEY,
    what: "a public key as in authorized_keys, such as: ssh-ed25519 AAAA... name",
  });

const parsePem = (value: unknown, path: string): string =>
  checkText(value, path, { max: KEY_TEXT_MAX, lines: true, pattern: PEM, what: "PEM" });

function parseUser(value: unknown, path: string): ContextUser {
  const known = ["name", "sshKeys", "groups", "shell", "sudo", "passwordHash"];
  const fields = new ContextFields(value, path, known);
  const shell = fields.text("shell");
  const hash = fields.text("passwordHash", {
    pattern: PASSWORD_HASH,
    what: "a hash as in /etc/shadow: mkpasswd -m sha-512",
  });
  const user = { pattern: USER_NAME, what: "the name of a user" };
  return {
    name: fields.requiredText("name", user),
    sshKeys: fields.list("sshKeys", LIST_MAX, parseSshKey),
    groups: fields.list("groups", 32, (each, at) => checkText(each, at, user)),
    ...(shell === undefined ? {} : { shell: parsePath(shell, fields.at("shell")) }),
    sudo: fields.flag("sudo"),
    ...(hash === undefined ? {} : { passwordHash: hash }),
  };
}

function parseHostKey(value: unknown, path: string): HostKey {
  const fields = new ContextFields(value, path, ["type", "private", "public", "certificate"]);
  const types = ["rsa", "ecdsa", "ed25519"] as const;
  if (!fields.has("type")) throw invalid(fields.at("type"), "is required", types.join(", "));
  const certificate = fields.text("certificate", {
    max: KEY_TEXT_MAX,
    pattern: SSH_KEY,
    what: "an SSH certificate in one line",
  });
  return {
    type: fields.choice("type", types, "ed25519"),
    privateKey: parsePem(fields.requiredText("private", pemText), fields.at("private")),
    publicKey: parseSshKey(fields.requiredText("public", pemText), fields.at("public")),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

const pemText = { max: KEY_TEXT_MAX, lines: true };

function parseCertificate(value: unknown, path: string): HostCertificate {
  const known = ["path", "certificate", "keyPath", "key", "owner"];
  const fields = new ContextFields(value, path, known);
  const keyPath = fields.text("keyPath");
  const key = fields.text("key", pemText);
  if ((key === undefined) !== (keyPath === undefined)) {
    const missing = key === undefined ? "key" : "keyPath";
    throw invalid(fields.at(missing), "key and keyPath come together");
  }
  return {
    path: parsePath(fields.requiredText("path"), fields.at("path")),
    certificate: parsePem(fields.requiredText("certificate", pemText), fields.at("certificate")),
    ...(keyPath === undefined ? {} : { keyPath: parsePath(keyPath, fields.at("keyPath")) }),
    ...(key === undefined ? {} : { key: parsePem(key, fields.at("key")) }),
    owner: parseOwner(fields.text("owner") ?? "root:root", fields.at("owner")),
  };
}

function parseDns(document: ContextFields): ContextDns {
  const dns = Object.fromEntries(document.entries("dns", 2));
  const fields = new ContextFields(dns, document.at("dns"), ["servers", "search"]);
  return {
    servers: fields.list("servers", 16, (each, at) =>
      renderAddress(parseAddress(checkText(each, at), at)),
    ),
    search: fields.list("search", 16, (each, at) =>
      checkText(each, at, { max: 253, pattern: HOST_NAME, what: "a domain" }),
    ),
  };
}

function parseValues(document: ContextFields): Readonly<Record<string, string>> {
  const entries = document.entries("values", LIST_MAX).map(([name, value]) => {
    const path = `${document.at("values")}.${name.slice(0, 60)}`;
    if (!VALUE_NAME.test(name)) {
      throw invalid(path, "is not a name", "use letters, digits and '_', a letter first");
    }
    if (shellNames.has(name) || name.startsWith("muster_")) {
      throw invalid(path, "means something to the shell", "choose another name");
    }
    const plain = ["number", "boolean", "bigint"].includes(typeof value) ? String(value) : value;
    return [name, checkText(plain, path, { max: KEY_TEXT_MAX, lines: true })] as const;
  });
  return Object.fromEntries(entries);
}

function parseMember(value: unknown, path: string): ClusterMember {
  const fields = new ContextFields(value, path, ["name", "address", "role", "cpus"]);
  const address = fields.requiredText("address");
  const cpus = (value as { readonly cpus?: unknown }).cpus ?? 1;
  if (!Number.isInteger(Number(cpus)) || Number(cpus) < 1 || Number(cpus) > 4_096) {
    throw invalid(fields.at("cpus"), "must be a whole number from 1 to 4096");
  }
  return {
    name: fields.requiredText("name", { max: 253, pattern: HOST_NAME, what: "a host name" }),
    address: renderAddress(parseAddress(address, fields.at("address"))),
    role: fields.choice("role", ["frontend", "compute"], "compute"),
    cpus: Number(cpus),
  };
}

function parseTimeout(fields: ContextFields): number {
  const text = fields.text("timeout");
  if (text === undefined) return TIMEOUT_DEFAULT_MS;
  const match = TIMEOUT.exec(text);
  const factors = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
  const timeoutMs = Number(match?.[1] ?? 0) * factors[(match?.[2] ?? "s") as keyof typeof factors];
  if (timeoutMs >= 1_000 && timeoutMs <= TIMEOUT_MAX_MS) return timeoutMs;
  throw invalid(fields.at("timeout"), "is not a time from 1s to 24h", 'write for example "30m"');
}
