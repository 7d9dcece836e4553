/** The frame around every message: a length and six header words (virnetprotocol.x). */

/** Length word and header. */
export const HEADER_BYTES = 28;

/** VIR_NET_MESSAGE_MAX and its length word: both sides refuse more. */
export const FRAME_MAX = 33_554_432 + 4;

/** VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX: stream data is sent in pieces of this size. */
export const STREAM_CHUNK_BYTES = 262_120;

export const packetType = {
  call: 0,
  reply: 1,
  message: 2,
  stream: 3,
  streamHole: 6,
} as const;

export const packetStatus = { ok: 0, error: 1, continue: 2 } as const;

export const KEEPALIVE_PROGRAM = 0x6b656570;
export const keepaliveProcedure = { ping: 1, pong: 2 } as const;

export interface PacketHeader {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

/** A received frame; the payload is `frame` from HEADER_BYTES on. */
export interface Packet extends PacketHeader {
  readonly frame: Buffer;
}

/** Fills the first HEADER_BYTES of `frame`, whose payload is already in place. */
export function writeHeader(frame: Buffer, header: PacketHeader): Buffer {
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(header.program, 4);
  frame.writeUInt32BE(header.version, 8);
  frame.writeInt32BE(header.procedure, 12);
  frame.writeInt32BE(header.type, 16);
  frame.writeUInt32BE(header.serial, 20);
  frame.writeInt32BE(header.status, 24);
  return frame;
}

export function readPacket(frame: Buffer): Packet {
  return {
    program: frame.readUInt32BE(4),
    version: frame.readUInt32BE(8),
    procedure: frame.readInt32BE(12),
    type: frame.readInt32BE(16),
    serial: frame.readUInt32BE(20),
    status: frame.readInt32BE(24),
    frame,
  };
}

/** A packet without payload. */
export function emptyPacket(header: PacketHeader): Buffer {
  return writeHeader(Buffer.allocUnsafe(HEADER_BYTES), header);
}
