/**
 * A snapshot as text that can be kept, compared and replayed: JSON with sorted keys and byte counts as
 * decimal strings under keys that end in "Bytes". The same snapshot always gives the same text.
 */
import type { Snapshot } from "./snapshot.ts";

/** Raised when a field changes its meaning; a reader refuses what it does not know. */
export const SNAPSHOT_FORMAT = 1;

export function renderSnapshot(snapshot: Snapshot): string {
  return `${JSON.stringify({ format: SNAPSHOT_FORMAT, snapshot: canonical(snapshot) }, null, 1)}\n`;
}

/** @throws Error when the text is not a saved snapshot of a known format, naming what is wrong. */
export function parseSnapshot(text: string): Snapshot {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error("the snapshot is not JSON", { cause });
  }
  if (!isRecord(parsed)) throw new Error("the snapshot is not an object");
  if (parsed["format"] !== SNAPSHOT_FORMAT) {
    const found = String(parsed["format"]);
    throw new Error(`the snapshot has format ${found}; this program reads ${SNAPSHOT_FORMAT}`);
  }
  const snapshot = revive("snapshot", parsed["snapshot"]);
  checkShape(snapshot);
  return snapshot;
}

/** A value as text that is the same for equal values: sorted keys, byte counts as decimal strings. */
export const canonicalText = (value: unknown): string => JSON.stringify(plain(value));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Hosts, VMs, claims and rules in the order of their names, so that the text does not depend on who listed them. */
function canonical(snapshot: Snapshot): unknown {
  const byId = (a: { readonly id: string }, b: { readonly id: string }) => compare(a.id, b.id);
  return plain({
    ...snapshot,
    hosts: snapshot.hosts.toSorted(byId),
    vms: snapshot.vms.toSorted(byId),
    claims: snapshot.claims.toSorted(
      (a, b) => compare(a.vmId, b.vmId) || compare(a.hostId, b.hostId),
    ),
    ...(snapshot.rules === undefined
      ? {}
      : { rules: snapshot.rules.toSorted((a, b) => compare(a.name, b.name)) }),
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  entries.sort(([a], [b]) => compare(a, b));
  return Object.fromEntries(entries.map(([key, field]) => [key, plain(field)]));
}

/** Fields that hold numbers although their names end in bytes per second. */
function revive(key: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => revive(key, entry));
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [name, revive(name, field)]),
    );
  }
  if (!key.endsWith("Bytes")) return value;
  if (typeof value !== "string" || !/^-?\d+$/.test(value)) {
    throw new Error(`${key} must be a decimal string, not ${JSON.stringify(value)}`);
  }
  return BigInt(value);
}

/** The few things without which no question can be asked; the rest may be missing. */
function checkShape(value: unknown): asserts value is Snapshot {
  if (!isRecord(value)) throw new Error("the snapshot has no contents");
  if (typeof value["version"] !== "number") throw new Error("snapshot.version must be a number");
  const lists = {
    hosts: ["id", "name", "state"],
    vms: ["id", "name", "state"],
    claims: ["vmId", "hostId"],
  };
  for (const [name, keys] of Object.entries(lists)) {
    const list = value[name];
    if (!Array.isArray(list)) throw new Error(`snapshot.${name} must be a list`);
    list.forEach((entry: unknown, index) => {
      for (const key of keys) {
        if (!isRecord(entry) || typeof entry[key] !== "string") {
          throw new Error(`snapshot.${name}[${index}].${key} must be a string`);
        }
      }
      if (name === "hosts") checkCapacity(entry, index);
      else checkSize(entry, `snapshot.${name}[${index}]`);
    });
  }
}

function checkCapacity(entry: unknown, index: number): void {
  const capacity = isRecord(entry) ? entry["capacity"] : undefined;
  if (!isRecord(capacity)) throw new Error(`snapshot.hosts[${index}].capacity is missing`);
  checkSize(capacity, `snapshot.hosts[${index}].capacity`);
}

function checkSize(entry: unknown, path: string): void {
  const found = isRecord(entry) ? entry : {};
  if (typeof found["cpus"] !== "number") throw new Error(`${path}.cpus must be a number`);
  if (typeof found["memoryBytes"] !== "bigint") throw new Error(`${path}.memoryBytes is missing`);
}
