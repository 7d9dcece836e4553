/** Where a lab keeps what: every path of it, in one place. */
import { join } from "node:path";

/** Hosts are h1 to h16; all these names resolve in every machine of the lab. */
export const HOSTS_MAX = 16;

/** sun_path holds 108 bytes with its final zero. The longest socket is hNN/run/libvirt/libvirt-sock-ro. */
const SOCKET_PATH_MAX = 107;

export class LabPaths {
  readonly directory: string;

  /** @throws Error when sockets in `directory` would have names the kernel refuses. */
  constructor(directory: string) {
    if (!directory.startsWith("/"))
      throw new Error(`the lab directory must be absolute: ${directory}`);
    this.directory = directory;
    const longest = `${this.socket(`h${HOSTS_MAX}`)}-ro`;
    const excess = Buffer.byteLength(longest) - SOCKET_PATH_MAX;
    if (excess > 0) {
      throw new Error(
        `the lab directory is ${excess} bytes too long: unix socket paths end at ${SOCKET_PATH_MAX} bytes (${longest})`,
      );
    }
    // The hosts have directories of their own there; the lab would vanish from their sight.
    for (const taken of ["/run", "/etc", "/srv", "/var/lib", "/var/log", "/dev", "/proc", "/sys"]) {
      if (directory === taken || directory.startsWith(`${taken}/`)) {
        throw new Error(`the lab directory cannot lie in ${taken}: hosts have their own ${taken}`);
      }
    }
  }

  /** Says that this directory is a lab, and how many hosts it has. */
  get description(): string {
    return join(this.directory, "lab.json");
  }
  get lock(): string {
    return join(this.directory, "lock");
  }
  /** Records of the running machines; `down` renames it, which stops any machine still starting. */
  get processes(): string {
    return join(this.directory, "processes");
  }
  record(machine: string): string {
    return join(this.processes, machine);
  }
  /** Records that a `down` is working on. */
  get ending(): string {
    return join(this.directory, "ending");
  }
  get shared(): string {
    return join(this.directory, "shared");
  }
  get logs(): string {
    return join(this.directory, "log");
  }
  log(name: string): string {
    return join(this.logs, `${name}.log`);
  }
  get certificates(): string {
    return join(this.directory, "pki");
  }
  machine(name: string): string {
    return join(this.directory, name);
  }
  socket(host: string): string {
    return join(this.machine(host), "run/libvirt/libvirt-sock");
  }
}
