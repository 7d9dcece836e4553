import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FRAME_MAX, HEADER_BYTES, writeHeader } from "./packet.ts";
import { FrameLengthError, PacketDecoder } from "./packet-decoder.ts";

const frame = (serial: number, body: Uint8Array) => {
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), body]);
  return writeHeader(bytes, { program: 1, version: 1, procedure: 2, type: 1, serial, status: 0 });
};

/** Pieces of the lengths given, over and over. */
function split(bytes: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

describe("packet decoder", () => {
  it("gives the same packets wherever the stream is split", () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(bodies, lengths, (payloads, pieces) => {
        const frames = payloads.map((body, index) => frame(index + 1, body));
        const decoder = new PacketDecoder();
        const seen: string[] = [];
        for (const piece of split(Buffer.concat(frames), pieces)) {
          decoder.push(Buffer.from(piece), (packet) => seen.push(packet.frame.toString("hex")));
        }
        expect(seen).toEqual(frames.map((each) => each.toString("hex")));
      }),
    );
  });

  it("hands on stream data in pieces, and every byte of it", () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(bodies, lengths, (payloads, pieces) => {
        const data = { program: 1, version: 1, procedure: 2, type: 3, status: 2 };
        const frames = payloads.map((body, index) => {
          const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), body]);
          return writeHeader(bytes, { ...data, serial: index });
        });
        const seen = payloads.map(() => "");
        const note = (serial: number, bytes: Buffer) => (seen[serial] += bytes.toString("hex"));
        const decoder = new PacketDecoder();
        for (const piece of split(Buffer.concat(frames), pieces)) {
          decoder.push(
            Buffer.from(piece),
            (packet) => note(packet.serial, packet.frame.subarray(HEADER_BYTES)),
            (header, bytes) => note(header.serial, bytes),
          );
        }
        expect(seen).toEqual(payloads.map((body) => Buffer.from(body).toString("hex")));
      }),
    );
  });

  it.each([0, 27, FRAME_MAX + 1, 0xffff_ffff])("refuses a frame of %d bytes", (length) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    for (const pieces of [[4], [1], [3]]) {
      const decoder = new PacketDecoder();
      const feed = () => {
        for (const piece of split(Buffer.concat([head, Buffer.alloc(60)]), pieces)) {
          decoder.push(piece, () => undefined);
        }
      };
      expect(feed).toThrow(FrameLengthError);
    }
  });

  it("allocates for what came, not for what was announced", () => {
    const head = Buffer.alloc(64);
    head.writeUInt32BE(FRAME_MAX);
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 50 }, () => {
      const decoder = new PacketDecoder();
      decoder.push(head, () => undefined);
      return decoder;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60 * 1_048_576);
    expect(decoders).toHaveLength(50);
  });
});
