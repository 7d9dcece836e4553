import { parseVmId, uuidFromBytes, uuidToBytes, type VmId } from "../ids.ts";

/** Throws MusterError "invalid" unless there are 16 bytes. */
export const decodeVmId = (bytes: Uint8Array, field: string): VmId =>
  parseVmId(uuidFromBytes(bytes, field));

export const encodeVmId = (id: VmId): Buffer => Buffer.from(uuidToBytes(id));
