/** What flags say of an image. PURE. */
import { invalid, parseDigest, parseImageVersion, parseName } from "@muster/model";
import type { ImageBooks, ImageLocation } from "@muster/proto/images";

export interface ImageFlags {
  readonly from?: readonly string[];
  readonly packing?: string;
  readonly checksum?: string;
  readonly sha256?: string;
  readonly channel?: string;
  readonly os?: string;
  readonly arch?: string;
  readonly endorser?: string;
  readonly recipe?: string;
  readonly description?: string;
  readonly validUntil?: string;
}

/** "debian-13:2026.11" */
export function parseImageName(text: string): Pick<ImageBooks, "name" | "version"> {
  const at = text.indexOf(":");
  if (at < 0) throw invalid("image", `"${text}" has no version`, `write ${text}:VERSION`);
  return {
    name: parseName(text.slice(0, at), "image"),
    version: parseImageVersion(text.slice(at + 1), "version"),
  };
}

export const booksOfFlags = (name: string, flags: ImageFlags): ImageBooks => ({
  ...parseImageName(name),
  channel: flags.channel ?? "",
  os: flags.os ?? "",
  architecture: flags.arch ?? "",
  endorser: flags.endorser ?? "",
  recipe: flags.recipe ?? "",
  description: flags.description ?? "",
  validUntil: flags.validUntil ?? "",
  deprecated: "",
});

const packings: readonly (readonly [RegExp, string])[] = [
  [/\.(gz|tgz)(\.\d+)?$/, "gz"],
  [/\.xz(\.\d+)?$/, "xz"],
  [/\.zstd?(\.\d+)?$/, "zst"],
];

/** As the name says. */
export function packingOf(url: string): string {
  const path = url.replace(/[?#].*$/, "");
  return packings.find(([pattern]) => pattern.test(path))?.[1] ?? "none";
}

/** A path is a file on the host that reads it. */
const urlOf = (text: string): string => (text.startsWith("/") ? `file://${encodeURI(text)}` : text);

export function locationOfFlags(flags: ImageFlags): ImageLocation {
  const urls = (flags.from ?? []).map(urlOf);
  if (urls.length === 0) {
    throw invalid(
      "--from",
      "is required",
      "--from https://host/disk.qcow2.xz, or a path on --host",
    );
  }
  return {
    urls,
    packing: flags.packing ?? packingOf(urls[0] ?? ""),
    packedSha256: flags.checksum === undefined ? "" : parseDigest(flags.checksum, "--checksum"),
    repository: "",
    host: "",
  };
}
