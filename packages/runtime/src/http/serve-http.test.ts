import { request as requestHttps } from "node:https";
import { connect as connectTcp } from "node:net";
import { MusterError } from "@muster/model";
import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "../log.ts";
import { aAuthority, aIdentity } from "../testing/certificates.ts";
import { fingerprintOf } from "../tls/issue.ts";
import type { TlsIdentity } from "../tls/identity.ts";
import { serveHttp, type HttpListener, type HttpOptions, type HttpRoute } from "./serve-http.ts";

const routes = new Map<string, HttpRoute>([
  ["/metrics", async () => ({ contentType: "text/plain", body: "up 1\n" })],
  ["/echo", async ({ query }) => ({ contentType: "text/plain", body: query.get("word") ?? "" })],
  ["/picky", () => Promise.reject(new MusterError("invalid", "host: no such host"))],
  ["/broken", () => Promise.reject(new TypeError("secret of the house"))],
]);

describe("web server", () => {
  let listener: HttpListener | undefined;
  afterEach(async () => {
    await listener?.close();
    listener = undefined;
  });
  const serve = async (change: Partial<HttpOptions> = {}): Promise<string> => {
    listener = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      routes,
      logger: silentLogger,
      ...change,
    });
    return listener.address;
  };
  const get = async (url: string, options: RequestInit = {}): Promise<[number, string]> => {
    const response = await fetch(url, options);
    return [response.status, await response.text()];
  };

  it("answers what it knows and explains the rest", async () => {
    const address = await serve();
    expect(await get(`${address}/metrics`)).toEqual([200, "up 1\n"]);
    expect(await get(`${address}/metrics`, { method: "HEAD" })).toEqual([200, ""]);
    expect(await get(`${address}/echo?word=a%20b`)).toEqual([200, "a b"]);
    expect(await get(`${address}/nothing`)).toEqual([
      404,
      "there is nothing here; try /metrics, /echo, /picky, /broken\n",
    ]);
    expect(await get(`${address}/metrics`, { method: "POST", body: "x".repeat(1_000) })).toEqual([
      405,
      "only GET is understood here\n",
    ]);
    expect(await get(`${address}/picky`)).toEqual([400, "host: no such host\n"]);
    expect(await get(`${address}/broken`)).toEqual([
      500,
      "internal error; see the log of this program\n",
    ]);
  });

  it("survives garbage and oversized headers", async () => {
    const address = await serve();
    for (const words of [
      "\x00\x01\x02",
      `GET / HTTP/1.1\r\nx: ${"y".repeat(100_000)}\r\n\r\n`,
      "GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n",
    ]) {
      const socket = connectTcp({ host: "127.0.0.1", port: listener?.port ?? 0 });
      socket.on("error", () => undefined);
      socket.resume();
      socket.write(words);
      await new Promise((resolve) => socket.once("close", resolve));
    }
    expect(await get(`${address}/metrics`)).toEqual([200, "up 1\n"]);
  });

  it("does not speak in the clear beyond the loopback", async () => {
    await expect(serve({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "invalid" });
  });

  it("asks for a certificate and judges it", async () => {
    const authority = await aAuthority();
    const identity = await aIdentity(authority, { role: "host" });
    const welcome = await aIdentity(authority, { role: "metrics", id: "prometheus" });
    const foreign = await aIdentity(await aAuthority(), { role: "metrics", id: "prometheus" });
    const address = await serve({
      tls: {
        identity,
        refusal: (der) =>
          fingerprintOf(der) === fingerprintOf(welcome.certificate) ? undefined : "not you",
      },
    });
    const ask = async (client?: TlsIdentity): Promise<[number | undefined, string]> =>
      new Promise((resolve, reject) => {
        const own =
          client === undefined ? {} : { key: client.privateKey, cert: client.certificate };
        const request = requestHttps(
          `${address}/metrics`,
          { ca: authority.certificate, agent: false, ...own },
          (response) => {
            let body = "";
            response.on("data", (chunk) => {
              body += String(chunk);
            });
            response.on("end", () => {
              resolve([response.statusCode, body]);
            });
          },
        );
        request.on("error", reject);
        request.end();
      });
    expect(await ask(welcome)).toEqual([200, "up 1\n"]);
    expect(await ask(foreign)).toEqual([403, "not you\n"]);
    expect(await ask()).toEqual([403, "a client certificate of this cluster is required\n"]);
    listener?.useIdentity(await aIdentity(authority, { role: "host" }));
    expect(await ask(welcome)).toEqual([200, "up 1\n"]);
  });
});
