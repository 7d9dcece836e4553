/** JSON in which bigints are `{"$bigint":"123"}`: the form of everything muster stores. */

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === "bigint" ? { $bigint: String(part) } : part,
  );
}

/** Throws SyntaxError. The caller knows what it stored and says so with a type. */
export function fromJson(text: string): unknown {
  return JSON.parse(text, (_name, part: unknown) => {
    if (typeof part !== "object" || part === null || !("$bigint" in part)) return part;
    return BigInt(String(part.$bigint));
  });
}
