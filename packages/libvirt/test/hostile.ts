/** What hostile-bytes tests share: finding procedures by number, and breaking packets. */
import { qemuCalls } from "../src/protocol/generated/qemu.ts";
import { remoteCalls } from "../src/protocol/generated/remote.ts";
import type { Procedure } from "../src/protocol/procedure.ts";
import type { PacketHeader } from "../src/wire/packet.ts";

export interface NamedProcedure {
  readonly name: string;
  readonly procedure: Procedure<never, unknown, never>;
}

export const procedures: readonly NamedProcedure[] = Object.entries({
  ...remoteCalls.all(),
  ...qemuCalls.all(),
}).map(([name, procedure]) => ({ name, procedure }));

/** Throws RangeError if there is no such procedure. */
export function procedureOfPacket({ program, procedure }: PacketHeader): NamedProcedure {
  const found = procedures.find(
    (each) => each.procedure.number === procedure && each.procedure.program.number === program,
  );
  if (!found) throw new RangeError(`no procedure ${procedure}`);
  return found;
}

/** A small generator of numbers that repeat for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NASTY_WORDS = [
  0, 1, 2, 7, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffd, 1_000_000,
];

/** Cuts, flips bits, or puts absurd numbers where lengths may be. */
export function broken(packet: Buffer, random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const bytes = Buffer.from(packet);
  const kind = random();
  if (kind < 0.25) {
    const length = below(bytes.length + 1);
    const cut = bytes.subarray(0, length);
    if (length >= 28 && random() < 0.8) cut.writeUInt32BE(length, 0);
    return cut;
  }
  const count = 1 + below(4);
  for (let i = 0; i < count; i++) {
    if (kind < 0.6) {
      const at = below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    } else {
      // Mostly in the payload: a broken header ends the connection at once.
      const words = bytes.length / 4;
      const at = words > 7 && random() < 0.9 ? 7 + below(words - 7) : below(words);
      bytes.writeUInt32BE(NASTY_WORDS[below(NASTY_WORDS.length)] ?? 0, at * 4);
    }
  }
  return bytes;
}
