/** By which devices this host's own traffic goes: its agent's connection to the coordinators, and migrations. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isMusterError, type TrafficKind } from "@muster/model";
import type { Clock } from "@muster/runtime";
import type { CommandRunner } from "../command-runner.ts";
import { listOf, optional, parseJson, recordOf, textOf } from "../json-reader.ts";
import type { KernelLink } from "../links/kernel-links.ts";

export interface TrafficEnds {
  /** Names or addresses, without ports. */
  readonly coordinators: () => readonly string[];
  /** Name or address of this host that others send migrations to. */
  readonly migration: string;
}

export interface TrafficQuestion {
  readonly runner: CommandRunner;
  readonly names: Names;
  readonly links: ReadonlyMap<string, KernelLink>;
}

export interface TrafficDevice {
  readonly kind: TrafficKind;
  readonly device: string;
}

/** "https://h1:7443", "h1:7443", "[2001:db8::1]:7443" and "h1" as a name or address. */
export function hostOf(address: string): string {
  const bare = address.replace(/^[a-z]+:\/\//, "");
  const [, bracketed] = /^\[([^\]]+)\]/.exec(bare) ?? [];
  if (bracketed !== undefined) return bracketed;
  return isIP(bare) > 0 ? bare : bare.replace(/:\d+$/, "");
}

/**
 * Finds the addresses of names, and remembers them: while the network is being changed a name server may be out of reach,
 * and nobody waits for one.
 */
export class Names {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #known = new Map<string, readonly string[]>();

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /** Empty: nobody of that name is known. */
  async addressesOf(name: string): Promise<readonly string[]> {
    if (isIP(name) > 0) return [name];
    const asked = lookup(name, { all: true }).then(
      (found) =>
        this.#known.set(
          name,
          found.map(({ address }) => address),
        ),
      () => undefined,
    );
    await Promise.race([asked, this.#clock.sleep(LOOKUP_MS)]);
    return this.#known.get(name) ?? [];
  }
}

/** A name server that is there answers in a few milliseconds. */
const LOOKUP_MS = 500;

/** Empty: there is no way. */
async function deviceTowards(runner: CommandRunner, address: string): Promise<string> {
  try {
    const what = `the way to ${address}`;
    const text = await runner.run(["ip", "-j", "route", "get", address]);
    const [route] = listOf(parseJson(text, what), what);
    return optional(recordOf(route, what)["dev"], what, textOf) ?? "";
  } catch (error) {
    if (isMusterError(error)) return "";
    throw error;
  }
}

export async function readTraffic(
  { runner, names, links }: TrafficQuestion,
  { coordinators, migration }: TrafficEnds,
): Promise<readonly TrafficDevice[]> {
  const found: TrafficDevice[] = [];
  for (const name of coordinators()) {
    for (const address of await names.addressesOf(hostOf(name))) {
      const device = await deviceTowards(runner, address);
      if (device !== "") found.push({ kind: "agent", device });
    }
  }
  for (const address of await names.addressesOf(hostOf(migration))) {
    for (const link of links.values()) {
      const has = link.addresses.some((own) => own.split("/")[0] === address);
      if (has) found.push({ kind: "migration", device: link.name });
    }
  }
  return found.filter(({ device }) => device !== "lo");
}
