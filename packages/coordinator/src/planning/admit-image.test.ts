import { DEFAULT_IMAGE_POLICY, type ImagePolicy, type ImageRecord } from "@muster/model";
import { describe, expect, it } from "vitest";
import { Tables } from "../ledger/view.ts";
import { admitImage, imageRefusals, resolveImages } from "./admit-image.ts";

const NOW = Date.parse("2026-11-27T00:00:00Z");
const digestOf = (letter: string): string => letter.repeat(64);

const anImage = (change: Partial<ImageRecord> = {}): ImageRecord => ({
  name: "debian",
  version: "13",
  channel: "prod",
  os: "",
  architecture: "",
  endorser: "ops",
  recipe: "",
  description: "",
  locations: [],
  contents: { digest: digestOf("a"), format: "raw", sizeBytes: 10n, virtualSizeBytes: 1024n },
  createdAt: "2026-01-01T00:00:00.000Z",
  createdBy: "ops",
  ...change,
});

const policyOf = (change: Partial<ImagePolicy>): ImagePolicy => ({
  ...DEFAULT_IMAGE_POLICY,
  ...change,
});

const viewOf = (images: readonly ImageRecord[], policy: Partial<ImagePolicy> = {}): Tables => {
  const tables = new Tables();
  for (const image of images) tables.put("image", image);
  tables.put("image-policy", policyOf(policy));
  return tables;
};

describe("an image", () => {
  it.each<readonly [string, Partial<ImageRecord>, Partial<ImagePolicy>, RegExp | undefined]>([
    ["is admitted", {}, {}, undefined],
    ["that nobody has read", { contents: undefined as never }, {}, /nobody has read/],
    [
      "that is expired",
      { validUntil: "2026-11-26T23:59:59Z" },
      {},
      /valid until 2026-11-26T23:59:59Z/,
    ],
    ["that is valid for another second", { validUntil: "2026-11-27T00:00:01Z" }, {}, undefined],
    ["that is deprecated", { deprecated: "has a hole" }, {}, /deprecated: has a hole/],
    [
      "in the wrong channel",
      { channel: "dev" },
      { channels: ["prod"] },
      /channel dev, allowed is prod/,
    ],
    [
      "of somebody else",
      { endorser: "eve" },
      { endorsers: ["ops"] },
      /eve vouches for it, allowed is ops/,
    ],
    ["of nobody", { endorser: "" }, { endorsers: ["ops"] }, /nobody vouches/],
    ["that is denied", {}, { denied: [digestOf("a")] }, /sha256 aaaaaaaaaaaa is denied/],
    ["that is not listed", {}, { allowed: [digestOf("b")] }, /not on the list/],
    ["that is listed", {}, { allowed: [digestOf("a")] }, undefined],
    ["without a signature", {}, { requireSignature: true }, /not signed/],
    [
      "whose key is trusted no more",
      { signedBy: "old" },
      { requireSignature: true },
      /key old, which is trusted no more/,
    ],
    [
      "that is signed",
      { signedBy: "k" },
      { requireSignature: true, trustedKeys: [{ name: "k", kind: "gpg", publicKey: "" }] },
      undefined,
    ],
    [
      "that is another one than was expected",
      { expected: digestOf("f") },
      {},
      /its sha256 is a{64}, not f{64}/,
    ],
  ])("%s", (_what, image, policy, reason) => {
    const refusals = imageRefusals(anImage(image), policyOf(policy), NOW);
    if (reason === undefined) expect(refusals).toEqual([]);
    else expect(refusals.join()).toMatch(reason);
  });
});

describe("a name without a version", () => {
  it("is the newest one that is admitted, by number and not by letter", () => {
    const view = viewOf([
      anImage({ version: "9" }),
      anImage({ version: "10" }),
      anImage({ version: "11", deprecated: "no" }),
    ]);
    expect(admitImage(view, "debian", NOW).version).toBe("10");
  });

  it("is refused with the reasons against every version", () => {
    const view = viewOf(
      [anImage({ version: "1", deprecated: "old" }), anImage({ version: "2", channel: "dev" })],
      {
        channels: ["prod"],
      },
    );
    expect(() => admitImage(view, "debian", NOW)).toThrow(
      expect.objectContaining({
        code: "wrong-state",
        reasons: [
          "debian:2: it is in channel dev, allowed is prod",
          "debian:1: it is deprecated: old",
        ],
      }),
    );
  });

  it("says which versions there are", () => {
    expect(() => admitImage(viewOf([anImage()]), "debian:12", NOW)).toThrow(
      expect.objectContaining({ code: "not-found", hint: "there is debian:13" }),
    );
  });
});

describe("a disk of an image", () => {
  const view = viewOf([anImage()]);
  it("is as large as the image when it says nothing", () => {
    expect(resolveImages(view, [{ storage: "s", sizeBytes: 0n, image: "debian" }], NOW)).toEqual([
      { storage: "s", sizeBytes: 1024n, image: digestOf("a") },
    ]);
  });

  it("is never smaller", () => {
    expect(() =>
      resolveImages(view, [{ storage: "s", sizeBytes: 512n, image: "debian" }], NOW),
    ).toThrow(/disks\[0\].size_bytes: the disk has 512 bytes, the image 1024/);
  });
});
