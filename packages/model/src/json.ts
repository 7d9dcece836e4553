/** JSON in which bigints are `{"$bigint":"123"}`: the form of everything muster stores. */

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === "bigint" ? { $bigint: String(part) } : part,
  );
}

/** Throws SyntaxError. The caller knows what it stored and says so with a type. */
export function fromJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return text.includes('"$bigint"') ? withBigints(value) : value;
}

/** In place: a walk of our own is several times faster than JSON.parse's reviver, and a large cluster has much to read. */
function withBigints(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    value.forEach((part: unknown, index) => (value[index] = withBigints(part)));
    return value;
  }
  if ("$bigint" in value) return BigInt(String(value.$bigint));
  const record = value as Record<string, unknown>;
  for (const name of Object.keys(record)) {
    const part = record[name];
    if (typeof part === "object" && part !== null) record[name] = withBigints(part);
  }
  return record;
}

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** A bigint as every JSON reader can take it: a number while that is exact, else a text. */
export const plainBigint = (value: bigint): number | string =>
  value <= SAFE_MAX && value >= -SAFE_MAX ? Number(value) : String(value);
