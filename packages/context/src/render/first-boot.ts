/**
 * The script that a guest runs once, as root, when it boots for the first time: its own settings first, then the central
 * policies, each with a result of its own. One script for every form of context; the forms differ in how it gets there.
 */
import type { CentralPolicy, ClusterMember, Context } from "../context.ts";
import { reporter } from "./reporter.ts";
import { printBytes, quoteShell, renderAssignments } from "./shell.ts";
import { bytesOf } from "../bytes.ts";

/** Where the guest keeps that it was done, the report, and the values. */
export const GUEST_HOME = "/var/lib/muster";
export const GUEST_LOG = "/var/log/muster-first-boot.log";

const installPackages = (packages: readonly string[]): string => {
  const names = packages.map(quoteShell).join(" ");
  return `muster_install() {
  if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update && apt-get -q -y install ${names}
  elif command -v dnf >/dev/null; then dnf -q -y install ${names}
  elif command -v yum >/dev/null; then yum -q -y install ${names}
  elif command -v zypper >/dev/null; then zypper -q -n install ${names}
  elif command -v apk >/dev/null; then apk add ${names}
  else echo "no program that installs packages is known here"; return 1
  fi
}
`;
};

/** Each command in a shell of its own; the first that fails ends the stage. */
const runCommand = (command: string, number: number): string =>
  `echo "+ command ${String(number)}"; sh -c ${quoteShell(command)} || return $?`;

const hostsLines = (members: readonly ClusterMember[]): string =>
  members
    .map(({ address, name }) => {
      const short = name.split(".")[0] ?? name;
      return `${address} ${short === name ? name : `${name} ${short}`}\n`;
    })
    .join("");

const writeHosts = (members: readonly ClusterMember[]): readonly string[] =>
  members.length === 0
    ? []
    : [
        "grep -q '^# members of the cluster' /etc/hosts 2>/dev/null ||",
        `  printf %s ${quoteShell(`# members of the cluster\n${hostsLines(members)}`)} >>/etc/hosts || return 1`,
      ];

function bootstrap(policy: CentralPolicy): readonly string[] {
  switch (policy.kind) {
    case "cfengine":
      return [
        // Clones must not share the identity of the image they were made from.
        "rm -f /var/cfengine/ppkeys/localhost.priv /var/cfengine/ppkeys/localhost.pub",
        "PATH=/var/cfengine/bin:$PATH",
        "cf-key || return $?",
        `cf-agent --bootstrap ${quoteShell(policy.hub)} || return $?`,
      ];
    case "puppet": {
      const { server, environment } = policy;
      const where = environment === undefined ? "" : ` --environment ${quoteShell(environment)}`;
      return [
        "PATH=/opt/puppetlabs/bin:$PATH",
        `puppet agent --test --waitforcert 10 --server ${quoteShell(server)}${where}`,
        // 2: it changed something, and all went well.
        "muster_code=$?; [ $muster_code -eq 0 ] || [ $muster_code -eq 2 ] || return $muster_code",
      ];
    }
    case "ansible-pull": {
      const { url, playbook, branch } = policy;
      const checkout = branch === undefined ? "" : ` -C ${quoteShell(branch)}`;
      return [
        `ansible-pull -U ${quoteShell(url)}${checkout} -i localhost, ${quoteShell(playbook)} || return $?`,
      ];
    }
    case "command":
      return [`sh -c ${quoteShell(policy.command)} || return $?`];
  }
}

const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}\n`).join("");

/** `settings`: commands that come before everything else, where no cloud-init does them. */
export function renderFirstBoot(context: Context, settings: readonly string[] = []): string {
  const { packages, commands, members, policies, values, report } = context;
  const individual = [
    ...settings.map((line) => `${line} || return 1`),
    ...writeHosts(members),
    ...(packages.length === 0 ? [] : ["muster_install || return $?"]),
    ...commands.map((command, index) => runCommand(command, index + 1)),
    ":",
  ];
  const central = policies.flatMap((policy, index) => [
    `echo "+ policy ${String(index + 1)}: ${policy.kind}"`,
    ...bootstrap(policy),
  ]);
  return `#!/bin/sh
# Written by muster for the first boot of this machine.
umask 077
muster_home=${GUEST_HOME}
muster_log=${GUEST_LOG}
export HOME="\${HOME:-/root}"
mkdir -p "$muster_home" "\${muster_log%/*}"
[ ! -e "$muster_home/first-boot-done" ] || exit 0
: >"$muster_home/report"
${report === "none" ? "report() { :; }\n" : reporter}${packages.length === 0 ? "" : installPackages(packages)}
{
${indented(printBytes(bytesOf(renderAssignments(values))))}  :
} >"$muster_home/values.sh"
set -a
. "$muster_home/values.sh"
set +a
individual() {
${indented(individual)}}
central() {
${indented([...central, ":"])}}
stage() {
  report "$1" running 0
  ("$1") >>"$muster_log" 2>&1 3>&- </dev/null
  muster_code=$?
  if [ "$muster_code" -eq 0 ]; then report "$1" done 0; else report "$1" failed "$muster_code"; fi
  return "$muster_code"
}
if stage individual; then ${policies.length === 0 ? "report central skipped 0" : "stage central"}; else report central skipped 0; fi
: >"$muster_home/first-boot-done"
`;
}
