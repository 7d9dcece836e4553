/**
 * Reading single fields at the door. Every reader takes the field's path, so that a refusal names what to
 * correct, and throws nothing but a MusterError "invalid".
 */
import { invalid } from "../errors.ts";

/** `fieldAt("vm.disks", 3)` is "vm.disks[3]"; `fieldAt("vm", "cpus")` is "vm.cpus". */
export function fieldAt(path: string, part: string | number): string {
  if (typeof part === "number") return `${path}[${String(part)}]`;
  return path === "" ? part : `${path}.${part}`;
}

export const UINT32_MAX = 4_294_967_295;
export const UINT64_MAX = 18_446_744_073_709_551_615n;

/** Longest text without a limit of its own. Shorter would refuse honest paths; longer only helps an attacker. */
export const TEXT_MAX = 4096;

export interface TextLimits {
  /** Characters; default 0. */
  readonly min?: number;
  /** Characters; default TEXT_MAX. */
  readonly max?: number;
}

/** Free text within limits. */
export function readText(value: string, field: string, limits: TextLimits = {}): string {
  const { min = 0, max = TEXT_MAX } = limits;
  if (value.length > max) {
    throw invalid(field, `${String(value.length)} characters, at most ${String(max)} are allowed`);
  }
  if (value.length < min) throw invalid(field, "is required");
  return value;
}

/** One line for XML, file names and logs: no control characters. */
export function readLine(value: string, field: string, limits: TextLimits = {}): string {
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/u.test(value)) {
    throw invalid(field, "has line breaks or control characters");
  }
  return readText(value, field, limits);
}

export interface CountLimits {
  /** Default 0. */
  readonly min?: number;
  /** Default UINT32_MAX. */
  readonly max?: number;
}

/** A whole number within limits. */
export function readCount(value: number, field: string, limits: CountLimits = {}): number {
  const { min = 0, max = UINT32_MAX } = limits;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalid(field, `${String(value)} is not within ${String(min)} to ${String(max)}`);
  }
  return value;
}

/** One word of a closed list. */
export function readChoice<Word extends string>(
  value: string,
  field: string,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const known = words.join(", ");
  if (value === "") throw invalid(field, "is required", `one of ${known}`);
  throw invalid(field, `${JSON.stringify(value.slice(0, 40))} is not one of ${known}`);
}

/** A finite number from 0 up to `max`. */
export function readMeasure(value: number, field: string, max = Number.MAX_VALUE): number {
  if (!Number.isFinite(value) || value < 0 || value > max) {
    throw invalid(field, `${String(value)} is not a number from 0 to ${String(max)}`);
  }
  return value;
}

/** Decodes each item of a list that has at most `max`. */
export function readList<Wire, Model>(
  values: readonly Wire[],
  { field, max }: { readonly field: string; readonly max: number },
  decode: (value: Wire, field: string) => Model,
): Model[] {
  if (values.length > max) {
    throw invalid(field, `${String(values.length)} entries, at most ${String(max)} are allowed`);
  }
  return values.map((value, index) => decode(value, fieldAt(field, index)));
}

/** Refuses the second of two equal entries. */
export function refuseDuplicates(values: readonly string[], field: string): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw invalid(field, `${JSON.stringify(value)} is there twice`);
    seen.add(value);
  }
}

/** A message that must be set. */
export function required<Message>(value: Message | undefined, field: string): Message {
  if (value === undefined) throw invalid(field, "is required");
  return value;
}

/**
 * A measured number as uint32. Sources say -1 for "unknown" and clocks have fractions; neither may keep a
 * report from being sent.
 */
export function measuredUint32(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.min(UINT32_MAX, Math.max(0, Math.round(value)));
}

/** A measured number as uint64, for the same reason. */
export function measuredUint64(value: bigint): bigint {
  if (value < 0n) return 0n;
  return value > UINT64_MAX ? UINT64_MAX : value;
}

/** Cuts a text so that the other side's limit cannot refuse it. */
export function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`;
}
