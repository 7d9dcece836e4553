/**
 * The host's NICs, read from sysfs: no process is started and nothing blocks, however many taps the guests have.
 */
import { readdir, readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { SystemNic } from "./system-facts.ts";

/** What sysfs has of one interface: entries of its directory, and the files that matter. */
export interface InterfaceFiles {
  readonly entries: ReadonlySet<string>;
  readonly address: string;
  readonly mtu: string;
  readonly operstate: string;
  /** Megabits per second; "-1" or empty when the driver does not know. */
  readonly speed: string;
  /** ARPHRD number: 1 is Ethernet, 772 the loopback. */
  readonly type: string;
  readonly uevent: string;
}

const LOOPBACK = "772";

/** Pure. Undefined: the loopback, or a guest's end of its cable. */
export function nicFrom(
  name: string,
  files: InterfaceFiles,
  addresses: readonly string[],
): SystemNic | undefined {
  if (files.type === LOOPBACK || files.entries.has("tun_flags")) return undefined;
  const speedMbit = Number(files.speed);
  return {
    name,
    mac: files.address.toLowerCase(),
    speedMbit: Number.isInteger(speedMbit) && speedMbit > 0 ? speedMbit : 0,
    addresses,
    up: files.operstate === "up",
    kind: kindOf(files),
    mtu: Number(files.mtu),
  };
}

function kindOf({ entries, uevent }: InterfaceFiles): string {
  const type = /^DEVTYPE=(.+)$/m.exec(uevent)?.[1];
  if (type === "wlan" || entries.has("wireless") || entries.has("phy80211")) return "wireless";
  if (type !== undefined) return type;
  if (entries.has("bonding")) return "bond";
  if (entries.has("bridge")) return "bridge";
  return entries.has("device") ? "wired" : "virtual";
}

/** `sysPath` is /sys/class/net. */
export async function readNics(sysPath: string): Promise<readonly SystemNic[]> {
  const names = (await readdir(sysPath)).sort();
  const known = networkInterfaces();
  const nics: SystemNic[] = [];
  for (const name of names) {
    const addresses = (known[name] ?? []).flatMap(({ cidr }) => cidr ?? []);
    const files = await readInterface(join(sysPath, name));
    const nic = files === undefined ? undefined : nicFrom(name, files, addresses);
    if (nic !== undefined) nics.push(nic);
  }
  return nics;
}

/** Undefined: it is no interface (bonding_masters lies beside them), or it went away meanwhile. */
async function readInterface(directory: string): Promise<InterfaceFiles | undefined> {
  try {
    const read = async (name: string): Promise<string> =>
      (await readFile(join(directory, name), "utf8")).trim();
    const entries = new Set(await readdir(directory));
    const [address, mtu, operstate, type, uevent] = await Promise.all(
      ["address", "mtu", "operstate", "type", "uevent"].map(read),
    );
    return {
      entries,
      address: address ?? "",
      mtu: mtu ?? "",
      operstate: operstate ?? "",
      type: type ?? "",
      uevent: uevent ?? "",
      speed: await read("speed").catch(emptyIfRefused),
    };
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ENODEV")) return undefined;
    throw error;
  }
}

/** Drivers without a speed refuse to say one. */
function emptyIfRefused(error: unknown): string {
  if (hasCode(error, "EINVAL", "EOPNOTSUPP", "ENOENT")) return "";
  throw error;
}

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));
