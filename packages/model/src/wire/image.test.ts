/** Images at the door: what is sent comes back, and what is wrong names its field. */
import { describe, expect, it } from "vitest";
import { decodeCommand, encodeCommand } from "./command.ts";
import { parseCommandId } from "../ids.ts";
import { parseImageVersion, type ImageAction } from "../image.ts";
import {
  decodeImageBooks,
  decodeImageCache,
  decodeImagePolicy,
  decodeUrlLocation,
  encodeImageCache,
} from "./image.ts";

const digest = "ab".repeat(32);
const contents = { digest, format: "qcow2", sizeBytes: 5n, virtualSizeBytes: 10n } as const;

const actions: readonly ImageAction[] = [
  {
    kind: "fetch-image",
    contents,
    sources: [
      { kind: "peer", host: "h1", address: "h1:9178", ticket: "t" },
      {
        kind: "url",
        urls: ["https://a/b.gz", "https://a/c.gz"],
        packing: "gz",
        packedSha256: digest,
        proxy: "http://p:1",
      },
    ],
  },
  {
    kind: "import-image",
    source: { kind: "url", urls: ["file:///srv/x"], packing: "none" },
    convertTo: "raw",
    expected: digest,
    signature: { kind: "gpg", key: "k", signature: "s", publicKey: "p" },
  },
  { kind: "offer-image", digest, ticket: "t", forMs: 5 },
  { kind: "keep-image", digest, keep: true },
  { kind: "drop-image", digest },
];

describe("commands about images", () => {
  it.each(actions)("$kind comes back as it was sent", (action) => {
    const command = {
      kind: "command",
      commandId: parseCommandId("op-0001/x/1"),
      timeoutMs: 0,
      action,
    } as const;
    expect(decodeCommand(encodeCommand(command), "command")).toEqual(command);
  });
});

it("a cache comes back as it was reported", () => {
  const image = {
    ...contents,
    uses: 2,
    kept: true,
    lastUsedAt: "2026-01-01T00:00:00.000Z",
    problem: "",
  };
  const report = { address: "h1:9178", usedBytes: 5n, maxBytes: 6n, images: [image] };
  expect(decodeImageCache(encodeImageCache(report), "images")).toEqual(report);
});

describe("what is refused", () => {
  const location = { urls: ["https://a/b"], packing: "", packedSha256: "" };
  const books = {
    name: "debian",
    version: "13",
    channel: "",
    os: "",
    architecture: "",
    endorser: "",
    recipe: "",
    description: "",
    validUntil: "",
    deprecated: "",
  };
  it.each([
    [() => decodeUrlLocation({ ...location, urls: [] }, "at"), /at.urls: is required/],
    [() => decodeUrlLocation({ ...location, urls: ["ftp://a/b"] }, "at"), /at.urls\[0\]: "ftp/],
    [() => decodeUrlLocation({ ...location, urls: ["https://a/b c"] }, "at"), /at.urls\[0\]/],
    [
      () => decodeUrlLocation({ ...location, packing: "rar" }, "at"),
      /at.packing: "rar" is not one of/,
    ],
    [
      () => decodeUrlLocation({ ...location, packedSha256: "12" }, "at"),
      /at.packedSha256: "12" is not a sha256/,
    ],
    [() => decodeImageBooks({ ...books, version: "../x" }, "b", ""), /b.version/],
    [
      () => decodeImageBooks({ ...books, validUntil: "soon" }, "b", ""),
      /b.validUntil: "soon" is no time/,
    ],
    [() => decodeImageBooks({ ...books, channel: "test" }, "b", ""), /b.channel/],
    [
      () =>
        decodeImagePolicy(
          {
            channels: [],
            endorsers: [],
            allowed: [],
            denied: [],
            requireSignature: false,
            trustedKeys: [],
          },
          "p",
        ),
      /p.channels: no channel/,
    ],
    [() => parseImageVersion("1..2", "v"), /v: /],
  ])("case %#", (decode, message) => {
    expect(decode).toThrow(message);
  });

  it("says dev and the asker when nothing is said", () => {
    expect(decodeImageBooks(books, "b", "ops")).toMatchObject({ channel: "dev", endorser: "ops" });
  });
});
