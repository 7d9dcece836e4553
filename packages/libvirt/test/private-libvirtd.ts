/**
 * A libvirtd of our own for contract tests: in private mount, pid, network, ipc and uts namespaces, with its own
 * /run, /etc/libvirt, /var/lib/libvirt, /var/log and /var/cache. The machine's libvirt is never touched.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AuthenticationError, connect } from "../src/index.ts";
import { thisMachine, type Installation } from "./installation.ts";

export interface LibvirtdOptions {
  /** Whose programs run; the machine's own by default. */
  readonly installation?: Installation;
  /** Whether a system bus and polkit run beside it. */
  readonly polkit?: boolean;
  /** More lines for libvirtd.conf. */
  readonly config?: string;
  /** Copied over /etc in the namespace: path below /etc → text. */
  readonly etcFiles?: Readonly<Record<string, string>>;
}

/** Why contract tests cannot run here, or null. */
export function whyNoLibvirtd(): string | null {
  if (process.getuid?.() !== 0) return "it needs root for namespaces";
  if (!existsSync("/usr/sbin/libvirtd")) return "libvirtd is not installed";
  return null;
}

const PRIVATE = ["run", "var/lib/libvirt", "var/log", "var/cache/libvirt"] as const;

/** Inside the namespaces: what is private is mounted over the machine's own. */
const IN_PLACE = `
umount -R /sys; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /dev/shm
mount --bind "$ROOT/etc" /etc
for d in ${PRIVATE.join(" ")}; do mount --bind "$ROOT/$d" "/$d"; done
# A read-only file in its place keeps libvirt from probing a KVM that may not work here.
if [ -e /dev/kvm ]; then : > /run/.no-kvm; mount --bind /run/.no-kvm /dev/kvm; mount -o remount,bind,ro /dev/kvm; fi
exec bash -c "$START"
`;

/** The programs of another release, with everything that they write in $ROOT, which becomes the root directory. */
const IN_ANOTHER_ROOT = `
mkdir -p "$ROOT"/{usr,proc,sys,dev,tmp}
mount --bind "$PROGRAMS/usr" "$ROOT/usr"; mount -o remount,bind,ro "$ROOT/usr"
for d in bin sbin lib lib64; do ln -s "usr/$d" "$ROOT/$d"; done
mount -t proc proc "$ROOT/proc"; mount -t sysfs sysfs "$ROOT/sys"; mount -t tmpfs tmpfs "$ROOT/dev"
mkdir "$ROOT/dev"/{shm,pts,net}; mount -t tmpfs tmpfs "$ROOT/dev/shm"; mount -t devpts devpts "$ROOT/dev/pts"
for d in null zero full random urandom tty net/tun; do
  if [ -e "/dev/$d" ]; then : > "$ROOT/dev/$d"; mount --bind "/dev/$d" "$ROOT/dev/$d"; fi
done
ln -s pts/ptmx "$ROOT/dev/ptmx"; ln -s ../run/lock "$ROOT/var/lock"
exec chroot "$ROOT" bash -c "$START"
`;

const START = `
set -e
export LC_ALL=C
mkdir -p /run/libvirt /run/lock /run/dbus
ip link set lo up
if [ "$POLKIT" = yes ]; then
  dbus-daemon --system --fork
  /usr/lib/polkit-1/polkitd --no-debug </dev/null >>/var/log/polkitd.out 2>&1 &
fi
start() { libvirtd --listen --pid-file /run/libvirtd.pid </dev/null >>/var/log/libvirtd.out 2>&1 & }
trap start HUP
start
while :; do sleep 1000 & wait $! || true; done
`;

const CONFIG = `
listen_tls = 0
listen_tcp = 0
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_rw_perms = "0777"
max_anonymous_clients = 100
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
`;

const QEMU_CONFIG = `
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
security_default_confined = 0
namespaces = [ ]
stdio_handler = "file"
cgroup_controllers = [ ]
`;

export class PrivateLibvirtd implements AsyncDisposable {
  /** Where the private directories are, seen from outside. */
  readonly root: string;
  readonly #process: ChildProcess;

  private constructor(root: string, child: ChildProcess) {
    this.root = root;
    this.#process = child;
  }

  static async start(options: LibvirtdOptions = {}): Promise<PrivateLibvirtd> {
    const root = mkdtempSync(join(tmpdir(), "nlv-"));
    // Others than root may have to reach the sockets.
    chmodSync(root, 0o755);
    for (const directory of PRIVATE) mkdirSync(join(root, directory), { recursive: true });
    mkdirSync(join(root, "var/log/libvirt/qemu"), { recursive: true });
    const programs = (options.installation ?? thisMachine).directory();
    execFileSync("cp", ["-a", join(programs, "etc"), join(root, "etc")]);
    const config = withoutRepeats([options.config ?? "", CONFIG]);
    writeFileSync(join(root, "etc/libvirt/libvirtd.conf"), config);
    writeFileSync(join(root, "etc/libvirt/qemu.conf"), QEMU_CONFIG);
    for (const [path, text] of Object.entries(options.etcFiles ?? {})) {
      mkdirSync(join(root, "etc", path, ".."), { recursive: true });
      writeFileSync(join(root, "etc", path), text);
    }
    const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--mount-proc"];
    const flags = [...namespaces, "--fork", "--kill-child=KILL", "--propagation", "private"];
    const init = `set -e\n${programs === "/" ? IN_PLACE : IN_ANOTHER_ROOT}`;
    const settings = { ROOT: root, PROGRAMS: programs, POLKIT: options.polkit ? "yes" : "no" };
    const child = spawn("unshare", [...flags, "bash", "-c", init], {
      env: { ...process.env, ...settings, START },
      stdio: ["ignore", "ignore", openSync(join(root, "init.log"), "w")],
    });
    const daemon = new PrivateLibvirtd(root, child);
    try {
      await daemon.#answers();
    } catch (cause) {
      const logs = ["init.log", "var/log/libvirtd.out", "var/log/libvirt/libvirtd.log"];
      const said = logs.map((file) => textOf(join(root, file)));
      await daemon[Symbol.asyncDispose]();
      throw new Error(`libvirtd does not answer: ${said.join("\n")}`, { cause });
    }
    return daemon;
  }

  get socketPath(): string {
    return join(this.root, "run/libvirt/libvirt-sock");
  }

  /** For virsh, and for `connect` where a URI is tested. */
  uri(name = "test:///default"): string {
    const [driver = "", rest = ""] = name.split("://");
    return `${driver}+unix://${rest}?socket=${this.socketPath}`;
  }

  /** Runs virsh on the same socket and gives what it prints. */
  virsh(uri: string, ...args: string[]): string {
    return execFileSync("virsh", ["-c", this.uri(uri), ...args], { encoding: "utf8" });
  }

  /** The daemon's process id, seen from outside. */
  daemonPid(): number {
    const init = this.#initPid();
    const inside = readFileSync(join(this.root, "run/libvirtd.pid"), "utf8").trim();
    for (const pid of childrenOf(init)) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      if (new RegExp(`^NSpid:.*\\s${inside}$`, "m").test(status)) return pid;
    }
    throw new Error("libvirtd is not running");
  }

  /** A path inside the namespaces as a path from here. */
  outside(path: string): string {
    return `/proc/${this.#initPid()}/root${path}`;
  }

  /** Runs a command inside the namespaces. */
  exec(command: string, ...args: string[]): string {
    const enter = [
      "-t",
      String(this.#initPid()),
      "-m",
      "-u",
      "-i",
      "-n",
      "-p",
      "-r",
      command,
      ...args,
    ];
    return execFileSync("nsenter", enter, { encoding: "utf8", timeout: EXEC_TIMEOUT_MS });
  }

  /** Starts another daemon after the last one was killed. */
  async restart(): Promise<void> {
    process.kill(this.#initPid(), "SIGHUP");
    await this.#answers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = new Promise((resolve) => this.#process.once("exit", resolve));
      // Its child, the first process of the namespaces, dies with it, and they with that one.
      this.#process.kill("SIGKILL");
      await gone;
    }
    rmSync(this.root, { recursive: true, force: true });
  }

  #initPid(): number {
    const [pid] = childrenOf(this.#process.pid ?? 0);
    if (pid === undefined) throw new Error("the namespaces are gone");
    return pid;
  }

  async #answers(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        const hypervisor = await connect({ socketPath: this.socketPath, uri: "test:///default" });
        return await hypervisor.close();
      } catch (error) {
        if (error instanceof AuthenticationError) return;
        if (attempt > 300) throw error;
        await sleep(50);
      }
    }
  }
}

/** A program inside that takes longer hangs. */
const EXEC_TIMEOUT_MS = 60_000;

const textOf = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** The first value of each setting wins; libvirtd refuses a file that has two. */
function withoutRepeats(configs: readonly string[]): string {
  const lines = configs.flatMap((config) => config.split("\n")).filter((line) => line !== "");
  const settings = new Map<string, string>();
  for (const line of lines) {
    const [name = ""] = line.split(" ");
    if (!settings.has(name)) settings.set(name, line);
  }
  return `${[...settings.values()].join("\n")}\n`;
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
