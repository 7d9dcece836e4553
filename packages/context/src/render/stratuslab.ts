/**
 * The disk StratusLab and OpenNebula guests read: context.sh with KEY="value" lines, and init.sh, which the guest sources
 * as root. Addresses are there by the names OpenNebula's own scripts know.
 */
import {
  hostnameOf,
  volumeLabels,
  type Context,
  type ContextFile,
  type ContextSubject,
  type ContextUser,
  type HostKey,
  type Seed,
} from "../context.ts";
import { bytesOf } from "../bytes.ts";
import { filesOf } from "./cloud-config.ts";
import { GUEST_HOME, renderFirstBoot } from "./first-boot.ts";
import { defaultRoutes, netmaskOf, searchOf, serversOf } from "./network-config.ts";
import { inComment, printBytes, quoteShell, renderAssignments } from "./shell.ts";

function networkValues(context: Context, { nics }: ContextSubject): Record<string, string> {
  const defaults = defaultRoutes(nics);
  const entries = nics.flatMap((nic, index) => {
    const name = (what: string): string => `ETH${String(index)}_${what}`;
    const addresses = nic.addresses.flatMap((each) => {
      const isV6 = each.address.includes(":");
      const gateway = defaults.get(each)?.via;
      const prefix = isV6 ? "IP6" : "IP";
      const mask: readonly [string, string] = isV6
        ? [name("IP6_PREFIX_LENGTH"), String(each.prefixLength)]
        : [name("MASK"), netmaskOf(each.prefixLength)];
      return [
        [name(prefix), each.address] as const,
        mask,
        ...(gateway === undefined
          ? []
          : [[name(isV6 ? "IP6_GATEWAY" : "GATEWAY"), gateway] as const]),
      ];
    });
    const servers = serversOf(context, nic).join(" ");
    const search = searchOf(context, nic).join(" ");
    return [
      [name("MAC"), nic.mac] as const,
      ...addresses,
      [name("MTU"), String(nic.mtu)] as const,
      ...(servers === "" ? [] : [[name("DNS"), servers] as const]),
      ...(search === "" ? [] : [[name("SEARCH_DOMAIN"), search] as const]),
    ];
  });
  // Of several addresses of one NIC these scripts know the first.
  return Object.fromEntries(entries.toReversed());
}

function writeFile({ path, content, mode, owner }: ContextFile): readonly string[] {
  const target = quoteShell(path);
  const directory = quoteShell(path.slice(0, path.lastIndexOf("/")) || "/");
  return [
    `mkdir -p ${directory}`,
    `{ ${[...printBytes(content), ":"].join("; ")}; } >${target}`,
    `chown ${quoteShell(owner)} ${target}`,
    `chmod 0${mode.toString(8)} ${target}`,
  ];
}

const keysOf = (home: string, keys: readonly string[], owner: string): readonly string[] => {
  if (keys.length === 0) return [];
  const lines = keys.map((key) => `${key}\n`).join("");
  return [
    `mkdir -p ${home}/.ssh`,
    `printf %s ${quoteShell(lines)} >>${home}/.ssh/authorized_keys`,
    `chmod 700 ${home}/.ssh`,
    `chmod 600 ${home}/.ssh/authorized_keys`,
    ...(owner === "root" ? [] : [`chown -R ${owner} ${home}/.ssh`]),
  ];
};

function makeUser(user: ContextUser): readonly string[] {
  const { name, shell = "/bin/sh", groups, passwordHash, sudo } = user;
  const word = quoteShell(name);
  const own = quoteShell(shell);
  const sudoers = `/etc/sudoers.d/muster-${name}`;
  return [
    // busybox has adduser, everything else useradd.
    `id ${word} >/dev/null 2>&1 || useradd -m -s ${own} ${word} 2>/dev/null || adduser -D -s ${own} ${word}`,
    ...groups.map((group) => `usermod -a -G ${quoteShell(group)} ${word}`),
    ...(passwordHash === undefined
      ? []
      : [`printf '%s\\n' ${quoteShell(`${name}:${passwordHash}`)} | chpasswd -e`]),
    ...(sudo
      ? [
          "mkdir -p /etc/sudoers.d",
          `printf '%s\\n' ${quoteShell(`${name} ALL=(ALL) NOPASSWD:ALL`)} >${sudoers}`,
          `chmod 440 ${sudoers}`,
        ]
      : []),
    ...keysOf(`~${name}`, user.sshKeys, name),
  ];
}

const writeHostKey = (key: HostKey): readonly string[] => {
  const path = `/etc/ssh/ssh_host_${key.type}_key`;
  const file = (suffix: string, text: string, mode: number) =>
    writeFile({ path: path + suffix, content: bytesOf(text), mode, owner: "root:root" });
  return [
    ...file("", key.privateKey, 0o600),
    ...file(".pub", `${key.publicKey}\n`, 0o644),
    ...(key.certificate === undefined ? [] : file("-cert.pub", `${key.certificate}\n`, 0o644)),
  ];
};

/** What cloud-init would do. One command each, so that the first that fails is the one the report ends with. */
function settingsOf(context: Context, subject: ContextSubject): readonly string[] {
  const hostname = quoteShell(hostnameOf(context, subject));
  const authorities = context.authorities.flatMap((pem, index) =>
    writeFile({
      path: `/usr/local/share/ca-certificates/muster-${String(index + 1)}.crt`,
      content: bytesOf(pem),
      mode: 0o644,
      owner: "root:root",
    }),
  );
  return [
    `printf '%s\\n' ${hostname} >/etc/hostname`,
    `hostname ${hostname}`,
    ...keysOf("/root", context.sshKeys, "root"),
    ...context.users.flatMap(makeUser),
    ...context.hostKeys.flatMap(writeHostKey),
    ...authorities,
    ...(authorities.length === 0
      ? []
      : ["{ ! command -v update-ca-certificates >/dev/null || update-ca-certificates; }"]),
    ...filesOf(context).flatMap(writeFile),
  ];
}

export function renderStratuslab(context: Context, subject: ContextSubject): Seed {
  const hostname = hostnameOf(context, subject);
  const values = {
    HOSTNAME: hostname,
    ...(context.sshKeys.length === 0 ? {} : { PUBLIC_KEY: context.sshKeys.join("\n") }),
    ...networkValues(context, subject),
    ...context.values,
  };
  const script = renderFirstBoot(context, settingsOf(context, subject));
  const target = `${GUEST_HOME}/first-boot`;
  const init = [
    "# Sourced as root when the machine boots.",
    `mkdir -p ${GUEST_HOME}`,
    `(umask 077; { ${printBytes(bytesOf(script)).join("\n")}\n} >${target})`,
    // Nobody waits for it: the guest tells when it is done.
    `sh ${target} >/dev/null 2>&1 </dev/null &`,
    "",
  ];
  const text = (path: string, content: string) => ({
    path,
    content: bytesOf(content),
    mode: 0o600,
  });
  return {
    label: volumeLabels.stratuslab,
    files: [
      text("context.sh", `# Context of ${inComment(subject.name)}\n${renderAssignments(values)}`),
      text("init.sh", init.join("\n")),
    ],
  };
}
