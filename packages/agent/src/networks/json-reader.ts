/** Reads what ip, bridge and ovs-vsctl print as JSON. Refuses by name what is not as their manuals say. */
import { MusterError } from "@muster/model";

export type JsonRecord = Readonly<Record<string, unknown>>;

function unexpected(what: string, value: unknown): MusterError {
  const shown = JSON.stringify(value)?.slice(0, 80) ?? "nothing";
  return new MusterError("network-failed", `cannot read ${what}`, {
    cause: new Error(`unexpected ${shown}`),
  });
}

export function parseJson(text: string, what: string): unknown {
  // iproute2 prints nothing at all where there is nothing to list.
  if (text.trim() === "") return [];
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MusterError("network-failed", `cannot read ${what}`, { cause });
  }
}

export function recordOf(value: unknown, what: string): JsonRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw unexpected(what, value);
  }
  return value as JsonRecord;
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(what, value);
  return value;
}

export function textOf(value: unknown, what: string): string {
  if (typeof value !== "string") throw unexpected(what, value);
  return value;
}

export function numberOf(value: unknown, what: string): number {
  if (typeof value !== "number") throw unexpected(what, value);
  return value;
}

/** Nothing when the field is absent. */
export function optional<Value>(
  value: unknown,
  what: string,
  read: (value: unknown, what: string) => Value,
): Value | undefined {
  return value === undefined ? undefined : read(value, what);
}
