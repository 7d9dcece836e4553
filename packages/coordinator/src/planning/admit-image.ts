/** Which image a name means, and whether a VM may be made of it. PURE. */
import {
  imageKey,
  invalid,
  isDigest,
  MusterError,
  type ImageContents,
  type ImageDigest,
  type ImagePolicy,
  type ImageRecord,
} from "@muster/model";
import type { DiskDraft } from "@muster/model/wire";
import type { LedgerView } from "../ledger/view.ts";

/** Why no VM may be made of it now, a sentence each. */
export function imageRefusals(
  image: ImageRecord,
  policy: ImagePolicy,
  nowMs: number,
): readonly string[] {
  const { contents, channel, endorser, validUntil, deprecated, signedBy } = image;
  const refusals: string[] = [];
  if (contents === undefined) refusals.push("nobody has read its contents yet");
  if (validUntil !== undefined && Date.parse(validUntil) <= nowMs) {
    refusals.push(`it was valid until ${validUntil}`);
  }
  if (deprecated !== undefined) refusals.push(`it is deprecated: ${deprecated}`);
  if (!policy.channels.includes(channel)) {
    refusals.push(`it is in channel ${channel}, allowed is ${policy.channels.join(", ")}`);
  }
  if (policy.endorsers.length > 0 && !policy.endorsers.includes(endorser)) {
    const by = endorser === "" ? "nobody vouches for it" : `${endorser} vouches for it`;
    refusals.push(`${by}, allowed is ${policy.endorsers.join(", ")}`);
  }
  if (contents !== undefined && policy.denied.includes(contents.digest)) {
    refusals.push(`sha256 ${contents.digest.slice(0, 12)} is denied`);
  }
  if (
    contents !== undefined &&
    policy.allowed.length > 0 &&
    !policy.allowed.includes(contents.digest)
  ) {
    refusals.push(`sha256 ${contents.digest.slice(0, 12)} is not on the list of allowed images`);
  }
  if (policy.requireSignature) {
    if (signedBy === undefined) refusals.push("it is not signed");
    else if (!policy.trustedKeys.some(({ name }) => name === signedBy)) {
      refusals.push(`it was signed with key ${signedBy}, which is trusted no more`);
    }
  }
  if (
    image.expected !== undefined &&
    contents !== undefined &&
    image.expected !== contents.digest
  ) {
    refusals.push(`its sha256 is ${contents.digest}, not ${image.expected}`);
  }
  return refusals;
}

/** Everything that goes by the reference: NAME, NAME:VERSION or a digest. Oldest first. */
export function imagesNamed(view: LedgerView, reference: string): readonly ImageRecord[] {
  const all = [...view.images.values()];
  const found = isDigest(reference)
    ? all.filter(({ contents }) => contents?.digest === reference)
    : all.filter((image) => image.name === reference || imageKey(image) === reference);
  return found.toSorted((one, other) => compareVersions(one.version, other.version));
}

const compareVersions = (one: string, other: string): number =>
  one.localeCompare(other, "en", { numeric: true });

export function findImages(view: LedgerView, reference: string): readonly ImageRecord[] {
  const found = imagesNamed(view, reference);
  if (found.length > 0) return found;
  const name = reference.split(":")[0] ?? reference;
  const versions = imagesNamed(view, name).map(imageKey);
  throw new MusterError("not-found", `there is no image "${reference}"`, {
    hint: versions.length === 0 ? "see: muster image ls" : `there is ${versions.join(", ")}`,
  });
}

/** Exactly one: NAME:VERSION, or a name that has one version. */
export function findImage(view: LedgerView, reference: string): ImageRecord {
  const found = findImages(view, reference);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw invalid(
    "image",
    `"${reference}" is ${String(found.length)} images`,
    `name one of ${found.map(imageKey).join(", ")}`,
  );
}

/** The newest version that may be used. Throws `wrong-state` with the reasons against every one. */
export function admitImage(
  view: LedgerView,
  reference: string,
  nowMs: number,
): ImageRecord & {
  readonly contents: ImageContents;
} {
  const found = findImages(view, reference);
  const reasons: string[] = [];
  for (const image of found.toReversed()) {
    const refusals = imageRefusals(image, view.imagePolicy, nowMs);
    if (refusals.length === 0 && image.contents !== undefined) {
      return { ...image, contents: image.contents };
    }
    reasons.push(...refusals.map((refusal) => `${imageKey(image)}: ${refusal}`));
  }
  throw new MusterError("wrong-state", `no VM may be made of image ${reference}`, {
    reasons,
    hint: "see: muster image show, muster image policy show",
  });
}

/** Disks with their images by digest, and with a size. */
export function resolveImages(
  view: LedgerView,
  disks: readonly DiskDraft[],
  nowMs: number,
): readonly DiskDraft[] {
  return disks.map((disk, index) => {
    if (disk.image === undefined) return disk;
    const { contents } = admitImage(view, disk.image, nowMs);
    const sizeBytes = disk.sizeBytes === 0n ? contents.virtualSizeBytes : disk.sizeBytes;
    if (sizeBytes < contents.virtualSizeBytes) {
      const sizes = `${String(sizeBytes)} bytes, the image ${String(contents.virtualSizeBytes)}`;
      throw invalid(
        `spec.disks[${String(index)}].size_bytes`,
        `the disk has ${sizes}`,
        "a disk is at least as large as its image; leave the size out to take the image's",
      );
    }
    return { ...disk, image: contents.digest, sizeBytes };
  });
}

/** Names of VMs with a disk made of it. */
export const vmsOfImage = (view: LedgerView, digest: ImageDigest): readonly string[] =>
  [...view.vms.values()]
    .filter(({ spec }) => spec.disks.some(({ image }) => image === digest))
    .map(({ spec }) => spec.name)
    .toSorted();
