/** Values as words of POSIX sh. */

/** Between single quotes nothing means anything but the quote itself. */
export const quoteShell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Between double quotes four characters mean something: the form context disks have always had. */
const quoteDouble = (text: string): string => `"${text.replaceAll(/["\\$`]/g, "\\$&")}"`;

/** `KEY="value"` lines. The names were checked at the door. */
export const renderAssignments = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${quoteDouble(value)}\n`)
    .join("");

/** Bytes of one printf: far below what any sh takes as one word. */
const CHUNK_BYTES = 1_024;

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`;

/** Commands that print exactly these bytes, with nothing but printf. */
export function printBytes(bytes: Uint8Array): readonly string[] {
  const commands: string[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const chunk = [...bytes.subarray(start, start + CHUNK_BYTES)];
    const isPlain = chunk.every((byte) => byte === 10 || (byte >= 32 && byte < 127));
    const text = String.fromCharCode(...chunk);
    commands.push(
      isPlain ? `printf %s ${quoteShell(text)}` : `printf '${chunk.map(octal).join("")}'`,
    );
  }
  return commands;
}

/** Text after "#" of a comment. */
export const inComment = (text: string): string => text.replaceAll(/[^ -~]/g, "?");
