/**
 * A real Open vSwitch of its own for a test: ovsdb-server and ovs-vswitchd (userspace datapath) in fresh mount,
 * network and PID namespaces, with one uplink "eth1" whose other end is up. The machine's own network and Open
 * vSwitch are not touched, and when the test process dies, however it dies, all of it goes.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { processRunner, type CommandRunner } from "../command-runner.ts";

const PROGRAMS = [
  "ovsdb-tool",
  "ovsdb-server",
  "ovs-vswitchd",
  "ovs-vsctl",
  "ip",
  "unshare",
  "nsenter",
];
const DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
const SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema";

function isRunnable(program: string): boolean {
  return DIRECTORIES.some((directory) => isAccessible(join(directory, program), constants.X_OK));
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Why there can be no private Open vSwitch here; undefined: there can. */
export function openvswitchObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "namespaces need root";
  const missing = PROGRAMS.filter((program) => !isRunnable(program));
  if (missing.length > 0) return `not installed: ${missing.join(", ")} (openvswitch-switch)`;
  return isAccessible(SCHEMA, constants.R_OK) ? undefined : `${SCHEMA} is missing`;
}

export const UPLINK_MTU = 1600;

/** The last program is process 1 of its namespace: when its input ends, the kernel ends the rest. */
const SCRIPT = `
set -e
export PATH="$PATH:/usr/sbin:/sbin"
mount -t tmpfs tmpfs /run
run=/run/openvswitch
mkdir -p $run
ip link set lo up
ip link add eth1 mtu ${String(UPLINK_MTU)} type veth peer name wire mtu ${String(UPLINK_MTU)}
ip link set wire up
ip link set eth1 up
ovsdb-tool create $run/conf.db ${SCHEMA}
ovsdb-server $run/conf.db --remote=punix:$run/db.sock --pidfile=$run/ovsdb-server.pid \
  --log-file=$run/ovsdb-server.log --detach --no-chdir -vconsole:off
ovs-vsctl --no-wait init
ovs-vswitchd unix:$run/db.sock --pidfile=$run/ovs-vswitchd.pid \
  --log-file=$run/ovs-vswitchd.log --detach --no-chdir -vconsole:off
echo ready
exec cat
`;

export class PrivateOpenvswitch implements AsyncDisposable {
  readonly #holder: ChildProcess;
  /** Runs programs inside. */
  readonly runner: CommandRunner;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    const enter = ["nsenter", "--target", String(holder.pid), "--mount", "--net", "--"];
    this.runner = { run: (argv, options) => processRunner.run([...enter, ...argv], options) };
  }

  static async start(): Promise<PrivateOpenvswitch> {
    const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const holder = spawn("unshare", [...namespaces, "sh", "-c", SCRIPT], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const said: string[] = [];
    holder.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    for await (const line of createInterface({ input: holder.stdout })) {
      if (line === "ready") return new PrivateOpenvswitch(holder);
    }
    throw new Error(`Open vSwitch did not start: ${said.join("")}`);
  }

  /** Runs a command line, split at blanks, inside. */
  run(line: string): Promise<string> {
    return this.runner.run(line.split(" "));
  }

  /** Ends a daemon for good and waits until it is gone. */
  async kill(daemon: "ovsdb-server" | "ovs-vswitchd"): Promise<void> {
    await this.run(`ovs-appctl --target=${await this.#controlSocket(daemon)} exit`);
  }

  /** Named for the daemon's process id inside its own namespace. */
  async #controlSocket(daemon: string): Promise<string> {
    const id = (await this.run(`cat /run/openvswitch/${daemon}.pid`)).trim();
    return `/run/openvswitch/${daemon}.${id}.ctl`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode !== null) return;
    const ended = once(this.#holder, "exit");
    this.#holder.stdin?.end();
    await ended;
  }
}
