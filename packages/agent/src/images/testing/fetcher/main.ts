/** Fetches one image in a process of its own, to be killed. */
import { FileImageCache } from "../../file-image-cache.ts";
import { systemClock } from "@muster/runtime";

const [directory = "", url = "", digest = "", size = "0"] = process.argv.slice(2);
const nothing = (): void => undefined;
const cache = await FileImageCache.open({
  directory,
  maxBytes: 2n ** 40n,
  ageMaxMs: 10 ** 10,
  trust: () => ({ authority: "", certificate: "", privateKey: "" }),
  clock: systemClock,
  log: { info: nothing, warn: nothing, error: nothing },
  changed: nothing,
});
const sizeBytes = BigInt(size);
await cache.fetch(
  {
    contents: { digest, format: "raw", sizeBytes, virtualSizeBytes: sizeBytes },
    sources: [{ kind: "url", urls: [url], packing: "none" }],
  },
  { signal: new AbortController().signal, onProgress: nothing },
);
