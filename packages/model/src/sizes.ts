/** Sizes as people write them. Powers of 1024 throughout. */
import { invalid } from "./errors.ts";

const factors: Readonly<Record<string, bigint>> = {
  "": 1n,
  b: 1n,
  k: 1n << 10n,
  m: 1n << 20n,
  g: 1n << 30n,
  t: 1n << 40n,
};

export const KIB = 1n << 10n;
export const MIB = 1n << 20n;
export const GIB = 1n << 30n;
export const TIB = 1n << 40n;

/** "512M", "1.5GiB", "2g", "1048576": bytes. */
export function parseSize(text: string, field: string): bigint {
  const match = /^(\d{1,18})(?:\.(\d{1,3}))?\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const factor = factors[(match?.[3] ?? "").toLowerCase()];
  if (match === null || factor === undefined) {
    throw invalid(
      field,
      `"${text.slice(0, 40)}" is not a size`,
      'write for example "512M" or "2GiB"',
    );
  }
  const whole = BigInt(match[1] ?? "0") * factor;
  const decimals = match[2] ?? "";
  if (decimals === "") return whole;
  return whole + (BigInt(decimals) * factor) / 10n ** BigInt(decimals.length);
}

/** 1536 MiB is "1.5 GiB". Always with a unit. */
export function renderSize(bytes: bigint): string {
  if (bytes < 0n) return `-${renderSize(-bytes)}`;
  const units: readonly (readonly [string, bigint])[] = [
    ["TiB", TIB],
    ["GiB", GIB],
    ["MiB", MIB],
    ["KiB", KIB],
  ];
  for (const [unit, factor] of units) {
    if (bytes < factor) continue;
    const tenths = (bytes * 10n + factor / 2n) / factor;
    const text = tenths % 10n === 0n ? String(tenths / 10n) : (Number(tenths) / 10).toFixed(1);
    return `${text} ${unit}`;
  }
  return `${String(bytes)} B`;
}
