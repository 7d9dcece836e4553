/** Durations as people write and read them. PURE. */
import { invalid } from "@muster/model";

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  "": 1_000,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Eleven days: the longest timer Node can set is about 24. */
const DURATION_MAX_MS = 1_000_000_000;

/** "30s", "2m", "1.5h", "500ms", "30" (seconds): milliseconds. */
export function parseDurationMs(text: string, field: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
  const factor = unitMs[match?.[2] ?? ""];
  if (match === null || factor === undefined) {
    throw invalid(field, `"${text.slice(0, 40)}" is not a duration`, 'write for example "30s"');
  }
  const durationMs = Math.round(Number(match[1]) * factor);
  if (durationMs < 1 || durationMs > DURATION_MAX_MS) {
    throw invalid(field, `"${text}" is out of range`, "use 1ms to 11d");
  }
  return durationMs;
}

/** "0.4 s", "12 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
export function renderDuration(durationMs: number): string {
  if (durationMs < 9_950) return `${(durationMs / 1_000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1_000);
  if (seconds < 60) return `${String(seconds)} s`;
  const parts: readonly (readonly [number, string])[] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = parts.findIndex(([size]) => seconds >= size);
  return parts
    .slice(first, first + 2)
    .map(([size, unit], index) => {
      const rest = index === 0 ? seconds : seconds % (parts[first]?.[0] ?? 1);
      return { count: Math.floor(rest / size), unit };
    })
    .filter(({ count }, index) => index === 0 || count > 0)
    .map(({ count, unit }) => `${String(count)} ${unit}`)
    .join(" ");
}

/** How long ago, in one unit: "5 s", "3 min", "2 h", "4 d". Empty for a time that was never set. */
export function renderAge(since: string, now: Date): string {
  const sinceMs = Date.parse(since);
  if (Number.isNaN(sinceMs)) return "";
  // Two machines' clocks differ a little; nothing is younger than now.
  const seconds = Math.max(0, Math.floor((now.getTime() - sinceMs) / 1_000));
  if (seconds < 60) return `${String(seconds)} s`;
  if (seconds < 3_600) return `${String(Math.floor(seconds / 60))} min`;
  if (seconds < 172_800) return `${String(Math.floor(seconds / 3_600))} h`;
  return `${String(Math.floor(seconds / 86_400))} d`;
}
