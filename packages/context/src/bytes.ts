/** Text and bytes. */

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const textOfBytes = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Slices short enough for a call's arguments. */
const SLICE_BYTES = 8_192;

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(start, start + SLICE_BYTES));
  }
  return btoa(binary);
}

/** Undefined: it is not base64. Blanks and line breaks in it are fine. */
export function fromBase64(text: string): Uint8Array | undefined {
  const packed = text.replaceAll(/\s/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined;
  return Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
}
