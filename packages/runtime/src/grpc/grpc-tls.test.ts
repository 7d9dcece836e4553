/**
 * The TLS port against friends and against everybody else, with real sockets. What a peer's certificate is worth
 * is decided elsewhere; here it must arrive at the handler, from the right connection, whatever OpenSSL thinks.
 */
import { X509Certificate } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { DispatchService, EnrolmentService } from "@muster/proto/dispatch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "../log.ts";
import { aAuthority, aIdentity } from "../testing/certificates.ts";
import { fingerprintOf, type CertificateAndKey } from "../tls/issue.ts";
import type { ClientTrust, TlsIdentity } from "../tls/identity.ts";
import { connect } from "./client.ts";
import { listenTls, type TlsRpcListener } from "./listen-tls.ts";
import type { Peer } from "./peer.ts";
import { implement, type CallContext } from "./service.ts";

const CLUSTER = "11111111-1111-4111-8111-111111111111";
const limits = { handshakeMs: 300, strangerLifeMs: 500, strangersMax: 4 };

describe("gRPC over TLS", () => {
  let authority: CertificateAndKey;
  let coordinator: TlsIdentity;
  let listener: TlsRpcListener;
  let peers: Peer[] = [];

  const services = [
    implement(EnrolmentService, {
      enrol: async () => ({ hostId: "", certificate: "", authority: "", clusterId: "" }),
      renew: async (_request, { peer }) => {
        peers.push(peer);
        return { certificate: peer.kind, authority: "" };
      },
    }),
  ];

  const untilGone = async (_link: unknown, { signal }: CallContext): Promise<void> => {
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
  };
  services.push(implement(DispatchService, { session: untilGone, bulk: untilGone }));

  beforeAll(async () => {
    authority = await aAuthority();
    coordinator = await aIdentity(authority, { role: "coordinator", id: CLUSTER });
    listener = await listenTls({
      host: "127.0.0.1",
      port: 0,
      identity: coordinator,
      services,
      logger: silentLogger,
      limits,
    });
  });
  afterAll(async () => {
    await listener.close();
  });

  const addresses = (): string[] => [`127.0.0.1:${String(listener.port)}`];
  const trustOf = (identity?: TlsIdentity): ClientTrust => ({
    authority: authority.certificate,
    clusterId: CLUSTER,
    ...(identity === undefined ? {} : { identity }),
  });
  /** The peer that a handler sees. */
  const seenAs = async (identity?: TlsIdentity): Promise<Peer | undefined> => {
    peers = [];
    using client = await connect({
      addresses: addresses(),
      trust: trustOf(identity),
      timeoutMs: 5_000,
    });
    await client.unary(EnrolmentService.renew, { certificateRequest: "" }, { timeoutMs: 5_000 });
    return peers[0];
  };
  const stillServes = async (): Promise<void> => {
    const host = await aIdentity(authority, { role: "host" });
    expect((await seenAs(host))?.kind).toBe("certificate");
  };
  /** Everything the server says until it closes. */
  const conversation = async (socket: Socket, say?: string | Buffer): Promise<string> => {
    let heard = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      heard += text;
    });
    socket.on("error", () => undefined);
    if (say !== undefined) socket.write(say);
    await new Promise((resolve) => socket.once("close", resolve));
    return heard;
  };
  const tcp = (): Socket => connectTcp({ host: "127.0.0.1", port: listener.port });
  const tls = (options: ConnectionOptions): Socket =>
    connectTls({ host: "127.0.0.1", port: listener.port, rejectUnauthorized: false, ...options });

  it("shows the handler the certificate of the call's own connection", async () => {
    const identities = await Promise.all(
      ["a", "b", "c"].map((id) => aIdentity(authority, { role: "host", id })),
    );
    const seen = await Promise.all(
      identities.map(async (identity) => {
        using client = await connect({
          addresses: addresses(),
          trust: trustOf(identity),
          timeoutMs: 5_000,
        });
        peers = [];
        await client.unary(EnrolmentService.renew, { certificateRequest: "" });
        return new X509Certificate(identity.certificate).fingerprint256;
      }),
    );
    expect(seen.length).toBe(3);
    for (const identity of identities) {
      const peer = await seenAs(identity);
      if (peer?.kind !== "certificate") throw new Error("no certificate");
      expect(fingerprintOf(peer.der)).toBe(fingerprintOf(identity.certificate));
    }
  });

  it("tells no certificate, an expired one and a foreign one apart", async () => {
    expect(await seenAs()).toMatchObject({ kind: "none" });
    const expired = await aIdentity(authority, { role: "host", validToHours: -1 });
    expect(await seenAs(expired)).toMatchObject({ kind: "certificate" });
    const foreign = await aIdentity(await aAuthority(), { role: "host" });
    const peer = await seenAs(foreign);
    if (peer?.kind !== "certificate") throw new Error("no certificate");
    expect(fingerprintOf(peer.der)).toBe(fingerprintOf(foreign.certificate));
  });

  it.each([
    ["HTTP/1 in the clear", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["HTTP/2 in the clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["garbage", Buffer.from("000102ff00ff00ff", "hex")],
  ])("explains itself to %s", async (_name, words) => {
    expect(await conversation(tcp(), words)).toContain("400 Bad Request");
    await stillServes();
  });

  it.each([
    ["HTTP/1 over TLS", { ALPNProtocols: ["http/1.1"] }],
    ["TLS without ALPN", {}],
  ])("explains itself to %s", async (_name, options) => {
    const answer = await conversation(tls(options), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(answer).toContain("this port speaks gRPC over TLS");
    await stillServes();
  });

  it("refuses TLS 1.2 and broken handshakes", async () => {
    await conversation(tls({ maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] }));
    await conversation(
      tcp(),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200]), Buffer.alloc(400, 7)]),
    );
    await stillServes();
  });

  it("does not wait for peers that say nothing, or little at a time", async () => {
    await conversation(tcp());
    const slow = tcp();
    slow.on("error", () => undefined);
    const hello = Buffer.concat([Buffer.from([0x16, 3, 1, 1, 0]), Buffer.alloc(256, 1)]);
    let sent = 0;
    const drip = setInterval(() => {
      slow.write(hello.subarray(sent, (sent += 1)));
    }, 20);
    await new Promise((resolve) => slow.once("close", resolve));
    clearInterval(drip);
    // Hung up on before it had said all it meant to.
    expect(sent).toBeLessThan(hello.length);
    await stillServes();
  });

  it("does not let strangers stay, nor be many", async () => {
    const strangers = Array.from({ length: 6 }, () => tls({ ALPNProtocols: ["h2"] }));
    await Promise.all(strangers.map(async (socket) => conversation(socket)));
    await stillServes();
  });

  it("survives a peer that opens a call and vanishes", async () => {
    const host = await aIdentity(authority, { role: "host" });
    for (let round = 0; round < 10; round += 1) {
      const socket = connectTls({
        host: "127.0.0.1",
        port: listener.port,
        rejectUnauthorized: false,
        ALPNProtocols: ["h2"],
        key: host.privateKey,
        cert: host.certificate,
      });
      await new Promise((resolve) => socket.once("secureConnect", resolve));
      const session = connectHttp2("https://x", { createConnection: () => socket });
      session.on("error", () => undefined);
      peers = [];
      const call = session.request({
        ":method": "POST",
        ":path": EnrolmentService.renew.path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      call.on("error", () => undefined);
      call.end(Buffer.from([0, 0, 0, 0, 0]));
      await new Promise((resolve) => setTimeout(resolve, round % 3));
      socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 5));
      // It may have been answered before it vanished, but never as somebody else.
      expect(peers.every((peer) => peer.kind === "certificate")).toBe(true);
    }
    await stillServes();
  });

  it("answers odd HTTP/2 without falling over", async () => {
    const session = connectHttp2(`https://127.0.0.1:${String(listener.port)}`, {
      rejectUnauthorized: false,
    });
    session.on("error", () => undefined);
    const statusOf = async (headers: Record<string, string>): Promise<unknown> =>
      new Promise((resolve) => {
        const stream = session.request(headers);
        stream.on("error", resolve);
        stream.on("response", (answer) => {
          resolve(answer[":status"]);
        });
        stream.end();
      });
    expect(await statusOf({ ":path": "/" })).toBe(415);
    expect(
      await statusOf({
        ":path": "/nothing",
        ":method": "POST",
        "content-type": "application/grpc",
      }),
    ).toBe(200);
    expect(
      await statusOf({
        ":path": EnrolmentService.renew.path,
        ":method": "POST",
        "content-type": "application/grpc",
        "grpc-timeout": "soon",
      }),
    ).toBe(200);
    session.destroy();
    await stillServes();
  });

  it("sees the certificate also in resumed TLS sessions", async () => {
    const host = await aIdentity(authority, { role: "host" });
    const options = { ALPNProtocols: ["h2"], key: host.privateKey, cert: host.certificate };
    let session: Buffer | undefined;
    const call = async (): Promise<boolean> => {
      const socket = connectTls({
        host: "127.0.0.1",
        port: listener.port,
        rejectUnauthorized: false,
        ...options,
        ...(session === undefined ? {} : { session }),
      });
      socket.on("session", (ticket: Buffer) => {
        session = ticket;
      });
      await new Promise((resolve) => socket.once("secureConnect", resolve));
      const http2 = connectHttp2("https://x", { createConnection: () => socket });
      const stream = http2.request({
        ":method": "POST",
        ":path": EnrolmentService.renew.path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
      stream.resume();
      await new Promise((resolve) => stream.once("close", resolve));
      const isReused = socket.isSessionReused();
      http2.destroy();
      return isReused;
    };
    peers = [];
    expect(await call()).toBe(false);
    expect(await call()).toBe(true);
    expect(peers.map((peer) => peer.kind)).toEqual(["certificate", "certificate"]);
  });

  it("notices a connection that died without a word", async () => {
    // A proxy that stops passing anything on, with both connections open: a pulled cable.
    const sockets: Socket[] = [];
    const proxy = createServer((near) => {
      const far = tcp();
      sockets.push(near, far);
      near.pipe(far);
      far.pipe(near);
      near.on("error", () => undefined);
      far.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const bound = proxy.address();
    const port = typeof bound === "object" ? String(bound?.port) : "";
    using client = await connect({
      addresses: [`127.0.0.1:${port}`],
      trust: trustOf(await aIdentity(authority, { role: "host" })),
      timeoutMs: 5_000,
      keepalive: { intervalMs: 100, timeoutMs: 200 },
    });
    await client.unary(EnrolmentService.renew, { certificateRequest: "" });
    const link = client.open(DispatchService.session);
    link.send({
      message: {
        $case: "heartbeat",
        value: { sequence: 1n, libvirtAlive: true, number: 0, lease: undefined },
      },
    });
    for (const socket of sockets) socket.unpipe().pause();
    const reading = (async () => {
      for await (const _message of link.incoming);
    })();
    await expect(reading).rejects.toMatchObject({ code: "unreachable" });
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  describe("a client", () => {
    const refusal = async (trust: ClientTrust): Promise<string> => {
      const failure = await connect({ addresses: addresses(), trust, timeoutMs: 5_000 }).catch(
        (thrown: unknown) => thrown,
      );
      expect(failure).toMatchObject({ code: "unreachable" });
      return (failure as { reasons: string[] }).reasons.join();
    };

    it("does not believe another authority", async () => {
      const other = await aAuthority();
      expect(await refusal({ authority: other.certificate })).toContain(
        "not issued by the cluster's authority",
      );
    });

    it("does not believe another cluster's coordinator", async () => {
      const trust = {
        authority: authority.certificate,
        clusterId: "22222222-2222-4222-8222-222222222222",
      };
      expect(await refusal(trust)).toContain(`coordinator of cluster ${CLUSTER}`);
    });

    it("does not take a host for the coordinator", async () => {
      const host = await aIdentity(authority, { role: "host" });
      listener.useIdentity(host);
      try {
        expect(await refusal(trustOf())).toContain("not a coordinator's");
      } finally {
        listener.useIdentity(coordinator);
      }
    });

    it("tries addresses in order and says why each failed", async () => {
      const trust = trustOf();
      using client = await connect({
        addresses: ["127.0.0.1:1", ...addresses()],
        trust,
        timeoutMs: 5_000,
      });
      expect(client.address).toBe(`https://127.0.0.1:${String(listener.port)}`);
      const failure = await connect({
        addresses: ["127.0.0.1:1", "127.0.0.1:2"],
        trust,
        timeoutMs: 5_000,
      }).catch((thrown: unknown) => thrown);
      expect(failure).toMatchObject({
        reasons: [
          "https://127.0.0.1:1: connection refused: is the coordinator running?",
          "https://127.0.0.1:2: connection refused: is the coordinator running?",
        ],
      });
    });
  });
});
