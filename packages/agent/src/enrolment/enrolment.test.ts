/** Joining, renewing and leaving against a real TLS port whose answers the tests choose. */
import { randomBytes, X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { Readable } from "node:stream";
import { encodeJoinString, MusterError, parseInviteId, type JoinString } from "@muster/model";
import { EnrolmentService, type EnrolRequest } from "@muster/proto/dispatch";
import {
  createAuthority,
  fingerprintOf,
  implement,
  issueCertificate,
  listenTls,
  newPrivateKey,
  publicKeyOf,
  readCertificateRequest,
  silentLogger,
  type CertificateAndKey,
  type CertificateRole,
  type Handlers,
  type TlsRpcListener,
} from "@muster/runtime";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { assignmentsPath, journalPath, networkMemoryPath } from "../data-directory.ts";
import { hasIdentity, loadIdentity } from "./identity.ts";
import { join, readJoinString, type JoinRequest } from "./join.ts";
import { leave } from "./leave.ts";
import { isRenewalDue, renew } from "./renew.ts";

const CLUSTER = "11111111-1111-4111-8111-111111111111";
const HOST = "22222222-2222-4222-8222-222222222222";
const HOUR_MS = 3_600_000;
const inHours = (hours: number): Date => new Date(Date.now() + hours * HOUR_MS);

const newAuthority = async (): Promise<CertificateAndKey> =>
  createAuthority({
    commonName: "test authority",
    validFrom: inHours(-100),
    validTo: inHours(100),
    serial: randomBytes(16),
  });

async function certificateFor(
  authority: CertificateAndKey,
  wish: { publicKey: Uint8Array; role: CertificateRole; id: string; validToHours?: number },
): Promise<string> {
  return issueCertificate({
    authority,
    publicKey: wish.publicKey,
    commonName: "test leaf",
    subject: { role: wish.role, id: wish.id },
    validFrom: inHours(-30),
    validTo: inHours(wish.validToHours ?? 60),
    serial: randomBytes(16),
  });
}

type Enrolment = Handlers<typeof EnrolmentService>;

describe("enrolment", () => {
  let authority: CertificateAndKey;
  let dataDirectory: string;
  let listener: TlsRpcListener | undefined;
  let enrolments: EnrolRequest[] = [];

  beforeAll(async () => {
    authority = await newAuthority();
  });
  beforeEach(async () => {
    dataDirectory = await mkdtemp(joinPath(tmpdir(), "muster-join-"));
    enrolments = [];
  });
  afterEach(async () => {
    await listener?.close();
    listener = undefined;
    await rm(dataDirectory, { recursive: true, force: true });
  });

  const issueHost = async (request: string, validToHours?: number): Promise<string> =>
    certificateFor(authority, {
      publicKey: await readCertificateRequest(request),
      role: "host",
      id: HOST,
      ...(validToHours === undefined ? {} : { validToHours }),
    });
  const accept: Enrolment = {
    enrol: async (request) => {
      enrolments.push(request);
      const certificate = await issueHost(request.certificateRequest);
      return { hostId: HOST, certificate, authority: authority.certificate, clusterId: CLUSTER };
    },
    renew: async ({ certificateRequest }) => ({
      certificate: await issueHost(certificateRequest),
      authority: authority.certificate,
    }),
  };
  const serve = async (
    handlers: Partial<Enrolment> = {},
    server: { signer?: CertificateAndKey; role?: CertificateRole } = {},
  ): Promise<string> => {
    const signer = server.signer ?? authority;
    const privateKey = newPrivateKey();
    const certificate = await certificateFor(signer, {
      publicKey: publicKeyOf(privateKey),
      role: server.role ?? "coordinator",
      id: CLUSTER,
    });
    // Whoever pretends to be the coordinator shows the real authority's certificate too: it is no secret.
    const identity = {
      privateKey,
      certificate: certificate + authority.certificate,
      authority: authority.certificate,
    };
    listener = await listenTls({
      host: "127.0.0.1",
      port: 0,
      identity,
      services: [implement(EnrolmentService, { ...accept, ...handlers })],
      logger: silentLogger,
    });
    return `https://127.0.0.1:${String(listener.port)}`;
  };
  const stringFor = (address: string, change: Partial<JoinString> = {}): string =>
    encodeJoinString({
      addresses: [address],
      authorityFingerprint: fingerprintOf(authority.certificate),
      hostName: "h1",
      inviteId: parseInviteId("33333333-3333-4333-8333-333333333333"),
      secret: "the secret",
      expiresAt: inHours(1).toISOString(),
      ...change,
    });
  const requestFor = (joinString: string, change: Partial<JoinRequest> = {}): JoinRequest => ({
    joinString,
    machineName: "h1",
    dataDirectory,
    agentVersion: "1.0.0",
    timeoutMs: 3_000,
    ...change,
  });
  const nothingIsLeft = async (): Promise<void> => {
    expect(await readdir(dataDirectory)).toEqual([]);
  };

  it("makes the machine a host", async () => {
    const address = await serve();
    const identity = await join(requestFor(stringFor(address)));
    expect(identity).toMatchObject({
      hostId: HOST,
      hostName: "h1",
      clusterId: CLUSTER,
      coordinators: [address],
    });
    expect(await loadIdentity(dataDirectory)).toEqual(identity);
    expect(enrolments).toMatchObject([
      {
        hostName: "h1",
        secret: "the secret",
        agentVersion: "1.0.0",
        inviteId: "33333333-3333-4333-8333-333333333333",
      },
    ]);
    const directory = joinPath(dataDirectory, "identity");
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(joinPath(directory, "host.pem"))).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).sort()).toEqual([
      "authority.pem",
      "host.pem",
      "identity.json",
    ]);
    for (const name of await readdir(directory)) {
      expect(await readFile(joinPath(directory, name), "utf8")).not.toContain("the secret");
    }
  });

  it("knows the machine by its name with a domain, or by the name it is given", async () => {
    const address = await serve();
    await join(requestFor(stringFor(address), { machineName: "H1.example.com" }));
    await leave(dataDirectory);
    await join(requestFor(stringFor(address), { machineName: "other", hostName: "h1" }));
    expect(enrolments.map(({ hostName }) => hostName)).toEqual(["h1", "h1"]);
  });

  it("refuses to join twice, until the machine has left", async () => {
    const address = await serve();
    await join(requestFor(stringFor(address)));
    await expect(join(requestFor(stringFor(address)))).rejects.toMatchObject({
      code: "wrong-state",
      hint: "to join another one, first: muster-agent leave",
    });
    for (const pathIn of [journalPath, assignmentsPath, networkMemoryPath])
      await writeFile(pathIn(dataDirectory), "of the old cluster");
    await leave(dataDirectory);
    await nothingIsLeft();
    await expect(leave(dataDirectory)).rejects.toMatchObject({ code: "wrong-state" });
    await expect(loadIdentity(dataDirectory)).rejects.toMatchObject({ code: "wrong-state" });
    await join(requestFor(stringFor(address)));
  });

  it.each(["expired", "already used", "wrong secret", "already enrolled"])(
    "passes on the coordinator's refusal and leaves nothing: %s",
    async (why) => {
      const refusal = new MusterError("unauthenticated", `refused: ${why}`, {
        hint: "make a new one",
      });
      const address = await serve({ enrol: () => Promise.reject(refusal) });
      await expect(join(requestFor(stringFor(address)))).rejects.toMatchObject({
        code: "unauthenticated",
        message: `refused: ${why}`,
        hint: "make a new one",
      });
      await nothingIsLeft();
    },
  );

  describe("sends no secret and leaves nothing", () => {
    const expectRefusal = async (request: JoinRequest, refusal: object): Promise<MusterError> => {
      const failure = await join(request).catch((thrown: unknown) => thrown);
      expect(failure).toMatchObject(refusal);
      expect(enrolments).toEqual([]);
      await nothingIsLeft();
      return failure as MusterError;
    };

    it("when the join string is damaged", async () => {
      const address = await serve();
      const broken = stringFor(address).replace("muster1.e", "muster1.f");
      await expectRefusal(requestFor(broken), {
        code: "invalid",
        message: "join string: is damaged",
      });
    });

    it("when it is another host's", async () => {
      const address = await serve();
      await expectRefusal(requestFor(stringFor(address), { machineName: "h2" }), {
        code: "invalid",
        message: "the join string is for host h1, this is h2",
      });
      await expectRefusal(requestFor(stringFor(address), { hostName: "h3" }), {
        code: "invalid",
        message: "the join string is for host h1, this is h3",
      });
    });

    it("when another authority's coordinator answers", async () => {
      const address = await serve();
      const other = await newAuthority();
      const string = stringFor(address, { authorityFingerprint: fingerprintOf(other.certificate) });
      const failure = await expectRefusal(requestFor(string), { code: "unauthenticated" });
      expect(failure.reasons).toEqual([`${address}: answers, but belongs to another authority`]);
    });

    it("when somebody shows the right authority but was not certified by it", async () => {
      const address = await serve({}, { signer: await newAuthority() });
      await expectRefusal(requestFor(stringFor(address)), { code: "unauthenticated" });
    });

    it("when a host of the cluster pretends to be the coordinator", async () => {
      const address = await serve({}, { role: "host" });
      const failure = await expectRefusal(requestFor(stringFor(address)), { code: "unreachable" });
      expect(failure.reasons[0]).toContain("not a coordinator's");
    });

    it("when nobody answers, or something else does", async () => {
      const mute: Server = createServer(() => undefined);
      const rude: Server = createServer((socket) => socket.end("220 smtp.example ESMTP\r\n"));
      const portOf = async (server: Server): Promise<string> => {
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const bound = server.address();
        return typeof bound === "object" ? String(bound?.port) : "";
      };
      const addresses = [
        "https://127.0.0.1:1",
        `https://127.0.0.1:${await portOf(mute)}`,
        `https://127.0.0.1:${await portOf(rude)}`,
      ];
      const string = stringFor("", { addresses });
      const failure = await expectRefusal(requestFor(string, { timeoutMs: 300 }), {
        code: "unreachable",
      });
      expect(failure.reasons[0]).toContain("connection refused");
      expect(failure.reasons[1]).toContain("no answer");
      expect(failure.reasons[2]).toContain("does not speak TLS");
      mute.close();
      rude.close();
    });

    it.skipIf(process.getuid?.() !== 0)("when the data directory cannot be written", async () => {
      const address = await serve();
      await writeFile(joinPath(dataDirectory, "file"), "");
      const request = requestFor(stringFor(address), {
        dataDirectory: joinPath(dataDirectory, "file", "data"),
      });
      await expect(join(request)).rejects.toMatchObject({ code: "storage-failed" });
      expect(enrolments).toEqual([]);
    });
  });

  it.each([
    ["somebody else's key", { publicKey: publicKeyOf(newPrivateKey()), role: "host", id: HOST }],
    ["another host", { role: "host", id: CLUSTER }],
    ["an operator", { role: "operator", id: "anna" }],
  ] as const)("does not rely on a certificate for %s", async (_name, wish) => {
    const address = await serve({
      enrol: async ({ certificateRequest }) => {
        const publicKey = await readCertificateRequest(certificateRequest);
        const certificate = await certificateFor(authority, { publicKey, ...wish });
        return { hostId: HOST, certificate, authority: authority.certificate, clusterId: CLUSTER };
      },
    });
    await expect(join(requestFor(stringFor(address)))).rejects.toMatchObject({ code: "internal" });
    await nothingIsLeft();
  });

  it("reads the join string from standard input, out of sight", async () => {
    expect(
      await readJoinString("-", Readable.from([Buffer.from("muster1.\n"), Buffer.from("abc")])),
    ).toBe("muster1.\nabc");
    expect(await readJoinString("muster1.abc", Readable.from([]))).toBe("muster1.abc");
  });

  describe("renewal", () => {
    it("is due after two thirds of the certificate's life", async () => {
      const address = await serve();
      const identity = await join(requestFor(stringFor(address)));
      // Valid from 30 hours ago to 60 hours from now.
      expect(isRenewalDue(identity, inHours(29))).toBe(false);
      expect(isRenewalDue(identity, inHours(31))).toBe(true);
      expect(isRenewalDue(identity, inHours(100))).toBe(true);
    });

    it("shows the old certificate, even expired, and replaces key and certificate together", async () => {
      const shown: string[] = [];
      const address = await serve({
        enrol: async ({ certificateRequest }) => ({
          hostId: HOST,
          certificate: await issueHost(certificateRequest, -1),
          authority: authority.certificate,
          clusterId: CLUSTER,
        }),
        renew: async (request, context) => {
          if (context.peer.kind === "certificate") shown.push(fingerprintOf(context.peer.der));
          return accept.renew(request, context);
        },
      });
      const old = await join(requestFor(stringFor(address)));
      expect(new X509Certificate(old.certificate).validToDate.getTime()).toBeLessThan(Date.now());
      const renewed = await renew({ identity: old, dataDirectory, timeoutMs: 3_000 });
      expect(shown).toEqual([fingerprintOf(old.certificate)]);
      expect(renewed.privateKey).not.toBe(old.privateKey);
      expect(await loadIdentity(dataDirectory)).toEqual(renewed);
      expect((await stat(joinPath(dataDirectory, "identity", "host.pem"))).mode & 0o777).toBe(
        0o600,
      );
    });

    it("keeps the old certificate when it is refused, or answered wrongly", async () => {
      const address = await serve({
        renew: () =>
          Promise.reject(
            new MusterError("unauthenticated", "the host was removed from the cluster"),
          ),
      });
      const identity = await join(requestFor(stringFor(address)));
      await expect(renew({ identity, dataDirectory, timeoutMs: 3_000 })).rejects.toMatchObject({
        code: "unauthenticated",
      });
      expect(await loadIdentity(dataDirectory)).toEqual(identity);
    });

    it("does not believe another cluster's coordinator of the same authority", async () => {
      const address = await serve();
      const identity = await join(requestFor(stringFor(address)));
      const moved = {
        ...identity,
        clusterId: identity.hostId as string as typeof identity.clusterId,
      };
      await expect(
        renew({ identity: moved, dataDirectory, timeoutMs: 3_000 }),
      ).rejects.toMatchObject({ code: "unreachable" });
    });
  });

  it("says what is wrong with a damaged identity", async () => {
    const address = await serve();
    await join(requestFor(stringFor(address)));
    const path = joinPath(dataDirectory, "identity", "host.pem");
    await chmod(path, 0o600);
    await writeFile(path, newPrivateKey() + authority.certificate);
    await expect(loadIdentity(dataDirectory)).rejects.toMatchObject({ code: "storage-failed" });
    expect(await hasIdentity(dataDirectory)).toBe(true);
  });
});
