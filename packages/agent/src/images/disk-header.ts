/**
 * What a file says it is, read from its first bytes before any tool opens it: an image may name other files of the host,
 * and a tool that follows it has read them before it can be asked. PURE.
 */
import { MusterError, renderSize, type ImageFormat } from "@muster/model";

export const HEADER_BYTES = 4096;

/** A disk that no host has; a header that asks for more asks for trouble. */
export const VIRTUAL_SIZE_MAX_BYTES = 64n * 1024n ** 4n;

const foreign: readonly (readonly [string, string])[] = [
  ["KDMV", "VMDK"],
  ["COWD", "VMDK"],
  ["# Disk DescriptorFile", "VMDK"],
  ["conectix", "VHD"],
  ["vhdxfile", "VHDX"],
  ["<<< ", "VirtualBox VDI"],
  ["QED\0", "QED"],
  ["Bochs Virtual HD Image", "Bochs"],
  ["WithoutFreeSpace", "Parallels"],
  ["WithouFreSpacExt", "Parallels"],
];

const packed: readonly (readonly [string, string])[] = [
  ["\x1f\x8b", "gz"],
  ["\xfd7zXZ\0", "xz"],
  ["\x28\xb5\x2f\xfd", "zst"],
  ["BZh", "bzip2"],
  ["PK\x03\x04", "zip"],
];

export interface DiskHeader {
  readonly format: ImageFormat;
  /** qcow2 only: what the guest will see. */
  readonly virtualSizeBytes?: bigint;
}

const beginsWith = (header: Buffer, magic: string): boolean =>
  header.subarray(0, magic.length).equals(Buffer.from(magic, "latin1"));

const refuse = (message: string, reason: string, hint?: string): MusterError =>
  new MusterError("invalid", message, {
    reasons: [reason],
    ...(hint === undefined ? {} : { hint }),
  });

/** Throws `invalid` for what muster does not make disks of. `what` names it in messages. */
export function judgeHeader(header: Buffer, what: string): DiskHeader {
  const alien = foreign.find(([magic]) => beginsWith(header, magic));
  if (alien !== undefined) {
    throw refuse(
      `${what} is a ${alien[1]} image`,
      "only raw and qcow2 are taken",
      "convert it first: qemu-img convert -O qcow2 FROM TO",
    );
  }
  const parcel = packed.find(([magic]) => beginsWith(header, magic));
  if (parcel !== undefined) {
    throw refuse(
      `${what} is packed`,
      `it begins like a ${parcel[1]} file`,
      `say so: --packing ${parcel[1]}`,
    );
  }
  if (!beginsWith(header, "QFI\xfb")) return { format: "raw" };
  return judgeQcow2(header, what);
}

/** Positions from QEMU's qcow2 specification. */
function judgeQcow2(header: Buffer, what: string): DiskHeader {
  if (header.length < 104) throw refuse(`${what} is cut off`, "its qcow2 header is incomplete");
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) {
    throw refuse(
      `${what} is qcow of version ${String(version)}`,
      "only versions 2 and 3 are taken",
    );
  }
  if (header.readBigUInt64BE(8) !== 0n) {
    throw refuse(
      `${what} has a backing file`,
      "its contents are in another file, which could be any file of the host",
      "flatten it first: qemu-img convert -O qcow2 FROM TO",
    );
  }
  const incompatible = version === 3 ? header.readBigUInt64BE(72) : 0n;
  if ((incompatible & 4n) !== 0n) {
    throw refuse(
      `${what} has an external data file`,
      "its contents are in another file, which could be any file of the host",
      "join them first: qemu-img convert -O qcow2 FROM TO",
    );
  }
  if (header.readUInt32BE(32) !== 0) {
    throw refuse(`${what} is encrypted`, "no VM could read it without a secret");
  }
  const virtualSizeBytes = header.readBigUInt64BE(24);
  refuseAbsurd(virtualSizeBytes, what);
  return { format: "qcow2", virtualSizeBytes };
}

export function refuseAbsurd(virtualSizeBytes: bigint, what: string): void {
  if (virtualSizeBytes > 0n && virtualSizeBytes <= VIRTUAL_SIZE_MAX_BYTES) return;
  const size = virtualSizeBytes === 0n ? "0 bytes" : renderSize(virtualSizeBytes);
  throw refuse(
    `${what} says it is a disk of ${size}`,
    `a disk has 512 bytes to ${renderSize(VIRTUAL_SIZE_MAX_BYTES)}`,
  );
}
