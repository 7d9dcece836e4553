/** What cloud-init does by itself: who may log in, host keys, files, authorities. */
import {
  hostnameOf,
  type Context,
  type ContextFile,
  type ContextSubject,
  type HostKey,
} from "../context.ts";
import { bytesOf, toBase64 } from "../bytes.ts";
import { renderYaml, type YamlValue } from "./yaml.ts";

const modeText = (mode: number): string => `0${mode.toString(8).padStart(3, "0")}`;

/** Files, and certificates with their keys: what must be written into the guest. */
export const filesOf = (context: Context): readonly ContextFile[] => [
  ...context.files,
  ...context.certificates.flatMap(({ path, certificate, key, keyPath, owner }) => [
    { path, content: bytesOf(certificate), mode: 0o644, owner },
    ...(key === undefined || keyPath === undefined
      ? []
      : [{ path: keyPath, content: bytesOf(key), mode: 0o600, owner }]),
  ]),
];

const writeFile = ({ path, content, mode, owner }: ContextFile): YamlValue => ({
  path,
  encoding: "b64",
  content: toBase64(content),
  permissions: modeText(mode),
  owner,
  // Its owner may be a user that is made only later.
  ...(owner === "root:root" || owner === "root" ? {} : { defer: true }),
});

const hostKeyEntries = ({
  type,
  privateKey,
  publicKey,
  certificate,
}: HostKey): readonly (readonly [string, string])[] => [
  [`${type}_private`, privateKey],
  [`${type}_public`, publicKey],
  ...(certificate === undefined ? [] : [[`${type}_certificate`, certificate] as const]),
];

const userEntry = (user: Context["users"][number]): YamlValue => ({
  name: user.name,
  ...(user.sshKeys.length === 0 ? {} : { ssh_authorized_keys: user.sshKeys }),
  ...(user.groups.length === 0 ? {} : { groups: user.groups }),
  shell: user.shell ?? "/bin/sh",
  ...(user.sudo ? { sudo: "ALL=(ALL) NOPASSWD:ALL" } : {}),
  lock_passwd: user.passwordHash === undefined,
  ...(user.passwordHash === undefined ? {} : { hashed_passwd: user.passwordHash }),
});

export function renderCloudConfig(context: Context, subject: ContextSubject): string {
  const hostname = hostnameOf(context, subject);
  const files = filesOf(context);
  const { users, sshKeys, hostKeys, authorities } = context;
  return `#cloud-config\n${renderYaml({
    hostname: hostname.split(".")[0] ?? hostname,
    ...(hostname.includes(".") ? { fqdn: hostname } : {}),
    ...(users.length === 0 ? {} : { users: ["default", ...users.map(userEntry)] }),
    ...(sshKeys.length === 0 ? {} : { ssh_authorized_keys: sshKeys }),
    ...(hostKeys.length === 0
      ? {}
      : { ssh_keys: Object.fromEntries(hostKeys.flatMap(hostKeyEntries)) }),
    ...(authorities.length === 0 ? {} : { ca_certs: { trusted: authorities } }),
    ...(files.length === 0 ? {} : { write_files: files.map(writeFile) }),
  })}`;
}
