/** A web server over bytes in memory, which misbehaves as it is told. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FileServer extends AsyncDisposable {
  readonly url: (name: string) => string;
  readonly files: Map<string, Buffer>;
  /** "GET /disk.raw bytes=100-", one for each request. */
  readonly requests: string[];
  /** The next answers end after so many bytes. */
  readonly cutAfter: number[];
  /** Ranges are ignored. */
  noRanges: boolean;
  /** Bytes a second, roughly; 0: as fast as it goes. */
  pace: number;
}

export async function serveFiles(): Promise<FileServer> {
  const files = new Map<string, Buffer>();
  const state = { noRanges: false, pace: 0 };
  const requests: string[] = [];
  const cutAfter: number[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { range } = request.headers;
    requests.push(`GET ${request.url ?? ""}${range === undefined ? "" : ` ${range}`}`);
    const file = files.get((request.url ?? "").slice(1));
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const etag = `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;
    const ifRange = request.headers["if-range"];
    const mayResume = !state.noRanges && (ifRange === undefined || ifRange === etag);
    const start = mayResume ? Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0) : 0;
    const body = file.subarray(start);
    response.writeHead(start === 0 ? 200 : 206, {
      etag,
      "content-length": body.length,
      ...(start === 0
        ? {}
        : {
            "content-range": `bytes ${String(start)}-${String(file.length - 1)}/${String(file.length)}`,
          }),
    });
    const cut = cutAfter.shift();
    if (cut !== undefined && cut < body.length) {
      response.write(body.subarray(0, cut), () => response.destroy());
      return;
    }
    if (state.pace === 0) {
      response.end(body);
      return;
    }
    await drip(response, body, state.pace);
  };
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (name) => `http://127.0.0.1:${String(port)}/${name}`,
    files,
    requests,
    cutAfter,
    get noRanges() {
      return state.noRanges;
    },
    set noRanges(value) {
      state.noRanges = value;
    },
    get pace() {
      return state.pace;
    },
    set pace(value) {
      state.pace = value;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function drip(response: ServerResponse, body: Buffer, pace: number): Promise<void> {
  const step = Math.max(1, Math.floor(pace / 20));
  for (let at = 0; at < body.length && !response.destroyed; at += step) {
    response.write(body.subarray(at, at + step));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  response.end();
}
