/** CPU bitmaps: bit n of the little-endian bytes is CPU n. */

/** Throws RangeError for a number that is not a CPU. */
export function encodeCpuMap(cpus: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.floor(Math.max(0, ...cpus) / 8) + 1);
  for (const cpu of cpus) {
    if (!Number.isInteger(cpu) || cpu < 0) throw new RangeError(`${cpu} is not a CPU number`);
    bytes[cpu >> 3] = (bytes[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  }
  return bytes;
}

export function decodeCpuMap(bytes: Uint8Array): readonly number[] {
  const cpus: number[] = [];
  for (const [index, byte] of bytes.entries()) {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) cpus.push(index * 8 + bit);
  }
  return cpus;
}

/** Several maps of `length` bytes each, one after another. */
export function decodeCpuMaps(bytes: Uint8Array, length: number): readonly (readonly number[])[] {
  const maps: (readonly number[])[] = [];
  for (let at = 0; at + length <= bytes.length; at += length) {
    maps.push(decodeCpuMap(bytes.subarray(at, at + length)));
  }
  return maps;
}
