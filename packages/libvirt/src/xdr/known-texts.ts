/**
 * Names and UUIDs come again with every list and every statistic. One that was seen lately is found by its bytes, which
 * takes a fraction of the time that making the string anew would. Each place holds the last text that fell on it, so the
 * memory is bounded whatever the peer sends; few places do for most programs, and who meets more names gets more.
 */
const FIRST_PLACES = 256;
const MOST_PLACES = 4096;

/** Longer texts are documents, and rarely the same ones. */
const LONGEST_BYTES = 40;

let texts = new Array<string | undefined>(FIRST_PLACES);
let textsReplaced = 0;

/** UTF-8 of `size` bytes. */
export function textAt(bytes: Buffer, at: number, size: number): string {
  const end = at + size;
  if (size > LONGEST_BYTES) return bytes.toString("utf8", at, end);
  let hash = size;
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x0100_0193);
  const place = (hash ^ (hash >>> 15)) & (texts.length - 1);
  const known = texts[place];
  if (known?.length === size && isAt(known, bytes, at)) return known;
  const text = bytes.toString("utf8", at, end);
  // Of as many characters as bytes: ASCII. Whatever else has that length never equals its bytes.
  if (text.length === size) rememberText(place, text);
  return text;
}

function isAt(text: string, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[at + i]) return false;
  }
  return true;
}

function rememberText(place: number, text: string): void {
  if (texts[place] !== undefined && ++textsReplaced > texts.length && texts.length < MOST_PLACES) {
    texts = new Array<string | undefined>(texts.length * 4);
    textsReplaced = 0;
  } else texts[place] = text;
}

let uuids = new Array<string | undefined>(FIRST_PLACES);
/** Four words of each. */
let uuidWords = new Int32Array(FIRST_PLACES * 4);
let uuidsReplaced = 0;

/** Sixteen bytes as lower-case text with dashes. */
export function uuidAt(bytes: Buffer, view: DataView, at: number): string {
  const a = view.getInt32(at);
  const b = view.getInt32(at + 4);
  const c = view.getInt32(at + 8);
  const d = view.getInt32(at + 12);
  let hash = Math.imul(a ^ Math.imul(b, 0x9e37_79b1), 0x85eb_ca6b);
  hash = Math.imul(hash ^ c ^ Math.imul(d, 0x27d4_eb2f), 0x1656_67b1);
  const place = (hash ^ (hash >>> 15)) & (uuids.length - 1);
  const known = uuids[place];
  const word = place * 4;
  if (
    known !== undefined &&
    uuidWords[word] === a &&
    uuidWords[word + 1] === b &&
    uuidWords[word + 2] === c &&
    uuidWords[word + 3] === d
  ) {
    return known;
  }
  const hex = bytes.toString("hex", at, at + 16);
  const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  if (known !== undefined && ++uuidsReplaced > uuids.length && uuids.length < MOST_PLACES) {
    uuids = new Array<string | undefined>(uuids.length * 4);
    uuidWords = new Int32Array(uuids.length * 4);
    uuidsReplaced = 0;
  } else {
    uuids[place] = text;
    uuidWords.set([a, b, c, d], word);
  }
  return text;
}
