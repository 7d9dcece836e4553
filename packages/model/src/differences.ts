/** What differs between two definitions, a line each: "mtu: 1500 -> 9000". Pure. */

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text = (value: unknown): string =>
  value === undefined || value === "" ? "nothing" : (JSON.stringify(value) ?? "nothing");

export function differences(before: unknown, after: unknown, path = ""): readonly string[] {
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
    return keys.flatMap((key) =>
      differences(before[key], after[key], path === "" ? key : `${path}.${key}`),
    );
  }
  return text(before) === text(after) ? [] : [`${path}: ${text(before)} -> ${text(after)}`];
}
