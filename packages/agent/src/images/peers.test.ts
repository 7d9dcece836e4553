/** Hosts that give images to each other: real TLS, real certificates. */
import { request } from "node:https";
import { connect } from "node:tls";
import {
  createAuthority,
  issueCertificate,
  newPrivateKey,
  publicKeyOf,
  systemClock,
} from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serveImages, type ImageServer } from "./image-server.ts";
import type { PeerTrust } from "./open-source.ts";
import {
  at,
  cacheSetting,
  contentsOf,
  MIB,
  patient,
  rawDisk,
  vmId,
  type CacheSetting,
} from "./testing/cache-setting.ts";

const disk = rawDisk(3 * MIB);
const contents = contentsOf(disk);
const validity = {
  validFrom: new Date(Date.now() - 60_000),
  validTo: new Date(Date.now() + 3_600_000),
};
const serial = (first: number): Uint8Array => new Uint8Array(16).fill(first);

const authority = await createAuthority({ ...validity, commonName: "test", serial: serial(1) });

async function trustOf(
  role: "host" | "operator",
  id: string,
  from = authority,
): Promise<PeerTrust> {
  const privateKey = newPrivateKey();
  const certificate = await issueCertificate({
    ...validity,
    authority: from,
    publicKey: publicKeyOf(privateKey),
    commonName: id,
    subject: { role, id },
    dnsNames: [],
    serial: serial(2),
  });
  return { authority: authority.certificate, certificate, privateKey };
}

async function giver(): Promise<
  AsyncDisposable & { setting: CacheSetting; server: ImageServer; address: string }
> {
  const trust = await trustOf("host", "h1");
  const setting = await cacheSetting();
  await writeFile(join(setting.directory, "source"), disk);
  await setting.cache.import({ source: at(`file://${setting.directory}/source`) }, patient());
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const server = await serveImages({
    cache: setting.cache,
    host: "127.0.0.1",
    port: 0,
    identity: trust,
    log: quiet,
  });
  return {
    setting,
    server,
    address: `127.0.0.1:${String(server.port)}`,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await setting[Symbol.asyncDispose]();
    },
  };
}

const peer = (address: string, ticket: string) =>
  ({ kind: "peer", host: "h1", address, ticket }) as const;

describe("an image from a peer", () => {
  it("comes with the coordinator's ticket, and its holes stay holes", async () => {
    await using host = await giver();
    const trust = await trustOf("host", "h2");
    await using setting = await cacheSetting({ trust: () => trust });
    host.setting.cache.offer(contents.digest, "secret-ticket", 60_000);
    await setting.cache.fetch(
      { contents, sources: [peer(host.address, "secret-ticket")] },
      patient(),
    );
    const file = await setting.cache.hold(contents.digest, { vmId, diskIndex: 0 });
    expect((await readFile(file.path)).equals(disk)).toBe(true);
    expect(setting.cache.counters.fetchedBytes).toEqual({ peer: disk.length, repository: 0 });
    expect(host.setting.cache.counters.servedBytes).toBe(disk.length);
  });

  it("goes on where another source was cut off", async () => {
    await using host = await giver();
    const trust = await trustOf("host", "h2");
    await using setting = await cacheSetting({ trust: () => trust });
    await writeFile(join(setting.directory, "partial", contents.digest), disk.subarray(0, 2 * MIB));
    host.setting.cache.offer(contents.digest, "secret-ticket", 60_000);
    await setting.cache.fetch(
      { contents, sources: [peer(host.address, "secret-ticket")] },
      patient(),
    );
    expect(setting.cache.counters.fetchedBytes.peer).toBe(MIB);
  });

  it.each([
    ["without a ticket that counts", async () => trustOf("host", "h2"), "wrong-ticket"],
    ["whose certificate is an operator's", async () => trustOf("operator", "eve"), "secret-ticket"],
    [
      "of another cluster",
      async () =>
        trustOf(
          "host",
          "h2",
          await createAuthority({ ...validity, commonName: "other", serial: serial(3) }),
        ),
      "secret-ticket",
    ],
  ])("is not given to a host %s", async (_who, makeTrust, ticket) => {
    await using host = await giver();
    const trust = await makeTrust();
    await using setting = await cacheSetting({ trust: () => trust });
    host.setting.cache.offer(contents.digest, "secret-ticket", 60_000);
    await expect(
      setting.cache.fetch({ contents, sources: [peer(host.address, ticket)] }, patient()),
    ).rejects.toMatchObject({
      code: "unreachable",
      reasons: [expect.stringMatching(/^host h1: /)],
    });
    expect(host.setting.cache.counters.servedBytes).toBe(0);
  });

  it("is not given once the ticket is over", async () => {
    await using host = await giver();
    const trust = await trustOf("host", "h2");
    await using setting = await cacheSetting({ trust: () => trust });
    host.setting.cache.offer(contents.digest, "secret-ticket", 1);
    await systemClock.sleep(20);
    await expect(
      setting.cache.fetch({ contents, sources: [peer(host.address, "secret-ticket")] }, patient()),
    ).rejects.toThrow();
  });

  it("is not given to whoever shows no certificate, and no path leads elsewhere", async () => {
    await using host = await giver();
    const [name, port] = host.address.split(":");
    const refused = new Promise((resolve) => {
      const socket = connect({
        host: name,
        port: Number(port),
        ca: authority.certificate,
        checkServerIdentity: () => undefined,
      });
      socket.once("error", resolve);
      socket.once("close", resolve);
      socket.write("GET / HTTP/1.1\r\n\r\n");
    });
    await refused;
    const trust = await trustOf("host", "h2");
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(
        `https://${host.address}/images/../../etc/passwd`,
        {
          ca: trust.authority,
          cert: trust.certificate,
          key: trust.privateKey,
          checkServerIdentity: () => undefined,
          path: "/images/../../etc/passwd",
        },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      )
        .once("error", reject)
        .end();
    });
    expect(status).toBe(404);
  });
});
