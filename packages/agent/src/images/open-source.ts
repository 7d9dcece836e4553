/** Opens http, https and file URLs at a position, and images that other hosts offer. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import * as http from "node:http";
import * as https from "node:https";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { MusterError, type ImageDigest } from "@muster/model";
import { subjectOfNames } from "@muster/runtime";
import { PIECE_BYTES } from "./hashing-file.ts";

export interface OpenedSource {
  readonly stream: Readable;
  /** Where the stream begins: 0 when the other side does not resume. */
  readonly offset: number;
  /** Of the whole; absent: the other side does not say. */
  readonly totalBytes?: number;
  /** Tells one version of the file from another; absent: the other side does not say. */
  readonly validator?: string;
}

export interface OpenRequest {
  readonly url: string;
  readonly offset: number;
  /** Resumes only if the file is still this one. */
  readonly validator?: string;
  readonly proxy?: string;
  readonly signal: AbortSignal;
}

/** How this host shows itself to other hosts, and whom it believes. PEM. */
export interface PeerTrust {
  readonly authority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const REDIRECTS_MAX = 5;
/** Nothing comes for so long: the connection is dead, and what is there is resumed from another one. */
const SILENCE_MS = 30_000;

export const peerPath = (digest: ImageDigest): string => `/images/${digest}`;

/** Without what is after "?": signatures of URLs are secrets. */
export function shownUrl(url: string): string {
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  parsed.search = parsed.search === "" ? "" : "?…";
  return parsed.href.replace("%E2%80%A6", "…");
}

export async function openUrl(request: OpenRequest): Promise<OpenedSource> {
  let url = new URL(request.url);
  if (url.protocol === "file:") return openFile(fileURLToPath(url), request);
  for (let hops = 0; hops <= REDIRECTS_MAX; hops += 1) {
    const answer = await ask(url, request, headersOf(request));
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || location === undefined) {
      return opened(answer, request, shownUrl(url.href));
    }
    answer.destroy();
    url = new URL(location, url);
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw refusal(request.url, `it redirects to ${url.protocol}, which is not followed`);
    }
  }
  throw refusal(request.url, `more than ${String(REDIRECTS_MAX)} redirections`);
}

export async function openPeer(
  peer: {
    readonly host: string;
    readonly address: string;
    readonly ticket: string;
    readonly digest: ImageDigest;
  },
  trust: PeerTrust,
  request: Pick<OpenRequest, "offset" | "signal">,
): Promise<OpenedSource> {
  const url = new URL(`https://${peer.address}${peerPath(peer.digest)}`);
  const whole = { ...request, url: url.href };
  const answer = await ask(
    url,
    whole,
    { ...headersOf(whole), authorization: `Muster ${peer.ticket}` },
    {
      ca: trust.authority,
      cert: trust.certificate,
      key: trust.privateKey,
      // Whatever name it is reached by: that it is a host of this cluster is what counts, and the contents are hashed.
      checkServerIdentity: (_name, certificate) =>
        subjectOfNames(certificate.subjectaltname)?.role === "host"
          ? undefined
          : new Error("the certificate is not a host's"),
    },
  );
  return opened(answer, whole, `host ${peer.host}`);
}

function headersOf({ offset, validator }: Pick<OpenRequest, "offset" | "validator">) {
  return {
    // What is packed on the way would have another hash.
    "accept-encoding": "identity",
    "user-agent": "muster-agent",
    ...(offset === 0 ? {} : { range: `bytes=${String(offset)}-` }),
    ...(offset === 0 || validator === undefined ? {} : { "if-range": validator }),
  };
}

async function openFile(path: string, { url, offset }: OpenRequest): Promise<OpenedSource> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new MusterError("not-found", `${url} cannot be read on this host`, {
      cause,
      hint: "name the host that has the file: --host HOST",
    });
  });
  if (!found.isFile()) throw refusal(url, "it is not a file");
  const from = Math.min(offset, found.size);
  return {
    stream: createReadStream(path, { start: from, highWaterMark: PIECE_BYTES }),
    offset: from,
    totalBytes: found.size,
    validator: `${String(found.mtimeMs)}-${String(found.size)}`,
  };
}

function ask(
  url: URL,
  request: Pick<OpenRequest, "signal" | "proxy" | "url">,
  headers: http.OutgoingHttpHeaders,
  tls: https.RequestOptions = {},
): Promise<http.IncomingMessage> {
  const { signal, proxy } = request;
  const secure = url.protocol === "https:";
  const proxyEnv =
    proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
  const agent = secure ? new https.Agent(proxyEnv) : new http.Agent(proxyEnv);
  const options: https.RequestOptions = { headers, signal, agent, timeout: SILENCE_MS, ...tls };
  return new Promise((resolve, reject) => {
    const asked = (secure ? https : http).get(url, options, resolve);
    asked.once("timeout", () => {
      asked.destroy(new Error(`nothing came for ${String(SILENCE_MS / 1000)} s`));
    });
    asked.once("error", (cause) => {
      const message = `${shownUrl(url.href)} cannot be reached`;
      reject(
        signal.aborted
          ? (signal.reason as Error)
          : new MusterError("unreachable", message, { cause }),
      );
    });
  });
}

function opened(
  answer: http.IncomingMessage,
  { offset, url, validator: wanted }: Pick<OpenRequest, "offset" | "url" | "validator">,
  what: string,
): OpenedSource {
  const status = answer.statusCode ?? 0;
  const { etag, "last-modified": modified, "content-range": range } = answer.headers;
  // A weak tag says that a person sees no difference; a hash does.
  const strong = etag?.startsWith("W/") === true ? undefined : etag;
  const validator = strong ?? modified;
  const known = validator === undefined ? {} : { validator };
  const announced = answer.headers["content-length"];
  const length = announced === undefined ? undefined : Number(announced);
  if (status === 206) {
    const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? "");
    const isSame = wanted === undefined || validator === undefined || wanted === validator;
    if (match === null || Number(match[1]) !== offset || !isSame) {
      answer.destroy();
      throw refusal(url, `${what} answered with another part than was asked for`);
    }
    const total = match[2] === "*" ? undefined : Number(match[2]);
    return {
      stream: answer,
      offset,
      ...(total === undefined ? {} : { totalBytes: total }),
      ...known,
    };
  }
  if (status === 200) {
    return {
      stream: answer,
      offset: 0,
      ...(length === undefined ? {} : { totalBytes: length }),
      ...known,
    };
  }
  answer.destroy();
  // All of it is here already.
  if (status === 416) {
    const total = Number(/\/(\d+)$/.exec(range ?? "")?.[1] ?? offset);
    return { stream: answer, offset: total, totalBytes: total };
  }
  const code = status === 404 || status === 410 ? "not-found" : "unreachable";
  const gone = status === 401 || status === 403 ? "it refuses this host" : "";
  throw new MusterError(
    code,
    `${what} answered ${String(status)} ${answer.statusMessage ?? ""}`.trim(),
    {
      ...(gone === "" ? {} : { reasons: [gone] }),
    },
  );
}

const refusal = (url: string, problem: string): MusterError =>
  new MusterError("unreachable", `${shownUrl(url)}: ${problem}`);
