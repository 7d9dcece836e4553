import { X509Certificate, type webcrypto } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseClusterId, parseHostId, type HostRecord } from "@muster/model";
import {
  createCertificateRequest,
  fingerprintOf,
  seededRandom,
  SimulatedClock,
  subjectOf,
  type Clock,
} from "@muster/runtime";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Authority } from "./authority.ts";
import { renewed, usedCertificate } from "./certificate-records.ts";
import { identify, refusalError, type Identification } from "./identify.ts";
import { keepServerCertificate } from "./server-certificate.ts";

const clusterId = parseClusterId("11111111-1111-4111-8111-111111111111");
const hostId = parseHostId("22222222-2222-4222-8222-222222222222");
const DAY_MS = 24 * 3_600_000;

describe("authority", () => {
  let dataDirectory: string;
  let clock: SimulatedClock;

  beforeEach(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), "muster-authority-"));
    clock = new SimulatedClock();
  });
  afterEach(async () => {
    await rm(dataDirectory, { recursive: true, force: true });
  });

  const open = async (at: Clock = clock): Promise<Authority> =>
    Authority.open({ dataDirectory, clusterId, clock: at, random: seededRandom(1) });

  it("is made once, and found again", async () => {
    const first = await open();
    const again = await open();
    expect(again.fingerprint).toBe(first.fingerprint);
    expect(first.fingerprint).toBe(fingerprintOf(first.certificate));
    expect((await stat(join(dataDirectory, "authority"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(dataDirectory, "authority", "key.pem"))).mode & 0o777).toBe(0o600);
    const { x509 } = first;
    expect(x509.ca).toBe(true);
    expect(x509.validToDate.getTime() - clock.wall().getTime()).toBe(3_650 * DAY_MS);
  });

  it.each(["key.pem", "certificate.pem"])(
    "is never replaced because %s is missing or damaged",
    async (file) => {
      const path = join(dataDirectory, "authority", file);
      await open();
      const text = await readFile(path, "utf8");
      await rm(path);
      await expect(open()).rejects.toMatchObject({ code: "storage-failed" });
      await writeFile(path, text.slice(0, 100));
      await expect(open()).rejects.toMatchObject({ code: "storage-failed" });
      await chmod(path, 0o600);
      await writeFile(path, text);
      await expect(open()).resolves.toBeInstanceOf(Authority);
    },
  );

  it("gives the coordinator a certificate for all its names", async () => {
    const authority = await open();
    const identity = await authority.issueServer(["c.example", "10.0.0.1", "::1", "c.example"]);
    const leaf = new X509Certificate(identity.certificate);
    expect(leaf.verify(authority.x509.publicKey)).toBe(true);
    expect(leaf.checkHost("c.example")).toBe("c.example");
    expect(leaf.checkIP("10.0.0.1")).toBe("10.0.0.1");
    expect(leaf.checkIP("::1")).toBe("::1");
    expect(subjectOf(leaf)).toEqual({ role: "coordinator", id: clusterId });
    expect(identity.certificate).toContain(authority.certificate);
    expect(leaf.ca).toBe(false);
  });

  it("renews the coordinator's certificate after two thirds of its life", async () => {
    const authority = await open();
    const first = await authority.issueServer(["c.example"]);
    const used: string[] = [];
    const stop = new AbortController();
    const log = { info: () => undefined, error: () => undefined };
    const kept = keepServerCertificate(
      {
        first,
        issue: async () => authority.issueServer(["c.example"]),
        use: (identity) => used.push(identity.certificate),
        clock,
        log,
      },
      stop.signal,
    );
    await clock.runFor(19 * DAY_MS);
    expect(used).toEqual([]);
    await clock.runFor(2 * DAY_MS);
    // Signing runs on threads of its own, in real time.
    await vi.waitFor(() => {
      expect(used).toHaveLength(1);
    });
    expect(new X509Certificate(used[0] ?? "").validToDate.getTime()).toBeGreaterThan(
      new X509Certificate(first.certificate).validToDate.getTime(),
    );
    stop.abort();
    await kept;
  });

  describe("a host's request", () => {
    it("gets a short-lived certificate that says only what the authority decided", async () => {
      const authority = await open();
      const { request } = createCertificateRequest();
      const issued = await authority.issueHost({ id: hostId, name: "h1", request });
      const leaf = new X509Certificate(issued.certificate);
      expect(leaf.subject).toBe("CN=h1");
      expect(leaf.subjectAltName?.split(", ").sort()).toEqual([
        "DNS:h1",
        `URI:muster://host/${hostId}`,
      ]);
      expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
      expect(issued.serial).toBe(leaf.serialNumber.toLowerCase());
      expect(Date.parse(issued.expiresAt) - clock.wall().getTime()).toBe(30 * DAY_MS);
    });

    it("cannot choose a subject, another kind of key, or somebody else's key", async () => {
      const authority = await open();
      await import("reflect-metadata");
      const x509 = await import("@peculiar/x509");
      const requestWith = async (
        algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams,
      ): Promise<string> => {
        const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
        if (!("privateKey" in keys)) throw new Error("no key pair");
        const signingAlgorithm = { name: algorithm.name, hash: "SHA-256" };
        const created = await x509.Pkcs10CertificateRequestGenerator.create({
          name: "CN=coordinator",
          keys,
          signingAlgorithm,
          extensions: [
            new x509.SubjectAlternativeNameExtension([
              { type: "url", value: "muster://operator/root" },
            ]),
            new x509.BasicConstraintsExtension(true),
          ],
        });
        return created.toString("pem");
      };
      const greedy = await requestWith({ name: "ECDSA", namedCurve: "P-256" });
      const issued = await authority.issueHost({ id: hostId, name: "h1", request: greedy });
      const leaf = new X509Certificate(issued.certificate);
      expect(subjectOf(leaf)).toEqual({ role: "host", id: hostId });
      expect(leaf.subject).toBe("CN=h1");
      expect(leaf.ca).toBe(false);

      const issue = async (request: string): Promise<unknown> =>
        authority.issueHost({ id: hostId, name: "h1", request });
      const rsa = await requestWith({
        name: "RSASSA-PKCS1-v1_5",
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: "SHA-256",
      });
      await expect(issue(rsa)).rejects.toMatchObject({
        code: "invalid",
        message: "certificate request: its key is not a P-256 key",
      });
      const p384 = await requestWith({ name: "ECDSA", namedCurve: "P-384" });
      await expect(issue(p384)).rejects.toMatchObject({ code: "invalid" });

      const der = Buffer.from(greedy.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
      der[40] = (der[40] ?? 0) ^ 1;
      const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
      await expect(issue(forged)).rejects.toMatchObject({ code: "invalid" });
      await expect(issue("hello")).rejects.toMatchObject({ code: "invalid" });
      await expect(issue("")).rejects.toMatchObject({ code: "invalid" });
      await expect(issue("x".repeat(1_000_000))).rejects.toMatchObject({ code: "invalid" });
      await expect(issue(authority.certificate)).rejects.toMatchObject({ code: "invalid" });
    });
  });

  describe("identify", () => {
    const hostWith = (change: Partial<HostRecord>): HostRecord => ({
      id: hostId,
      name: "h1",
      cordoned: false,
      cordonReason: "",
      certificateSerial: "",
      certificateExpiresAt: "",
      enrolledAt: "",
      connectedBefore: true,
      ...change,
    });
    const ask = async (
      authority: Authority,
      certificate: string,
      options: { host?: HostRecord; purpose?: "use" | "renewal"; afterDays?: number } = {},
    ): Promise<Identification> =>
      identify({
        der: new X509Certificate(certificate).raw,
        authority: authority.x509,
        now: new Date(clock.wall().getTime() + (options.afterDays ?? 0) * DAY_MS),
        findHost: () => options.host,
        purpose: options.purpose ?? "use",
      });
    const issueTo = async (authority: Authority) =>
      authority.issueHost({ id: hostId, name: "h1", request: createCertificateRequest().request });

    it("knows hosts by their current certificate and, until that was used, the previous one", async () => {
      const authority = await open();
      const [first, second, third] = [
        await issueTo(authority),
        await issueTo(authority),
        await issueTo(authority),
      ];
      const enrolled = hostWith({ certificateSerial: first.serial });
      const host = renewed(enrolled, first.serial, second);
      expect(await ask(authority, second.certificate, { host })).toMatchObject({
        ok: true,
        identity: { role: "host", hostId, isPreviousCertificate: false },
      });
      expect(await ask(authority, first.certificate, { host })).toMatchObject({
        ok: true,
        identity: { isPreviousCertificate: true },
      });
      expect(usedCertificate(host, first.serial)).toBe(host);

      const used = usedCertificate(host, second.serial);
      expect(await ask(authority, first.certificate, { host: used })).toMatchObject({
        ok: false,
        reason: "superseded",
      });
      expect(usedCertificate(used, second.serial)).toBe(used);

      // The answer to the renewal was lost: the old certificate renews again, and the lost one is worth nothing.
      const again = renewed(host, first.serial, third);
      expect(await ask(authority, third.certificate, { host: again })).toMatchObject({ ok: true });
      expect(await ask(authority, first.certificate, { host: again })).toMatchObject({ ok: true });
      expect(await ask(authority, second.certificate, { host: again })).toMatchObject({
        ok: false,
        reason: "superseded",
      });
    });

    it("refuses removed hosts, however good their certificate", async () => {
      const authority = await open();
      const issued = await issueTo(authority);
      for (const purpose of ["use", "renewal"] as const) {
        expect(await ask(authority, issued.certificate, { purpose })).toMatchObject({
          ok: false,
          reason: "removed-host",
        });
      }
    });

    it("lets an expired host renew and nothing else", async () => {
      const authority = await open();
      const issued = await issueTo(authority);
      const host = hostWith({ certificateSerial: issued.serial });
      expect(await ask(authority, issued.certificate, { host, afterDays: 29 })).toMatchObject({
        ok: true,
      });
      expect(await ask(authority, issued.certificate, { host, afterDays: 31 })).toMatchObject({
        ok: false,
        reason: "expired",
      });
      expect(
        await ask(authority, issued.certificate, { host, afterDays: 31, purpose: "renewal" }),
      ).toMatchObject({ ok: true });
      expect(await ask(authority, issued.certificate, { host, afterDays: -1 })).toMatchObject({
        ok: false,
        reason: "not-yet-valid",
      });
      const operator = await authority.issueClient({ role: "operator", name: "anna" });
      expect(
        await ask(authority, operator.certificate, { afterDays: 366, purpose: "renewal" }),
      ).toMatchObject({ ok: false, reason: "expired" });
    });

    it("knows operators and metrics readers by their names", async () => {
      const authority = await open();
      const operator = await authority.issueClient({ role: "operator", name: "anna" });
      expect(await ask(authority, operator.certificate)).toEqual({
        ok: true,
        identity: { role: "operator", name: "anna" },
      });
      const metrics = await authority.issueClient({ role: "metrics", name: "prometheus" });
      expect(await ask(authority, metrics.certificate)).toEqual({
        ok: true,
        identity: { role: "metrics", name: "prometheus" },
      });
    });

    it("refuses other authorities, the authority itself, coordinators and rubbish", async () => {
      const authority = await open();
      await rm(join(dataDirectory, "authority"), { recursive: true });
      const other = await Authority.open({
        dataDirectory,
        clusterId,
        clock,
        random: seededRandom(2),
      });
      const foreign = await other.issueClient({ role: "operator", name: "anna" });
      const answer = await ask(authority, foreign.certificate);
      expect(answer).toMatchObject({ ok: false, reason: "other-authority" });
      if (!answer.ok)
        expect(refusalError(answer)).toMatchObject({
          code: "unauthenticated",
          hint: "the certificate belongs to another cluster",
        });
      expect(await ask(authority, authority.certificate)).toMatchObject({
        ok: false,
        reason: "no-role",
      });
      const server = await authority.issueServer(["c"]);
      expect(await ask(authority, server.certificate)).toMatchObject({
        ok: false,
        reason: "no-role",
      });
      const rubbish = identify({
        der: new Uint8Array([1, 2, 3]),
        authority: authority.x509,
        now: clock.wall(),
        findHost: () => undefined,
        purpose: "use",
      });
      expect(rubbish).toMatchObject({ ok: false, reason: "unreadable" });
    });
  });
});
