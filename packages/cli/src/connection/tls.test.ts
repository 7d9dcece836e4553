/** Goal: mutual TLS with the cluster's own authority, and a clear refusal of everything else. */
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import {
  createAuthority,
  issueCertificate,
  newPrivateKey,
  publicKeyOf,
  systemRandom,
  type CertificateAndKey,
  type CertificateSubject,
} from "@muster/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aVm } from "../testing/builders.ts";
import { muster } from "../testing/in-process.ts";
import { answering, ScriptedCoordinator, type Script } from "../testing/scripted-coordinator.ts";

let directory = "";
let ours: CertificateAndKey;
let theirs: CertificateAndKey;

const HOUR_MS = 3_600_000;
const validity = {
  validFrom: new Date(Date.now() - HOUR_MS),
  validTo: new Date(Date.now() + HOUR_MS),
};
const authorityNamed = (commonName: string): Promise<CertificateAndKey> =>
  createAuthority({ commonName, serial: systemRandom.bytes(16), ...validity });

async function issue(
  authority: CertificateAndKey,
  subject: CertificateSubject,
): Promise<CertificateAndKey> {
  const privateKey = newPrivateKey();
  const publicKey = publicKeyOf(privateKey);
  const serial = systemRandom.bytes(16);
  const order = { authority, publicKey, commonName: subject.id, subject, serial, ...validity };
  return { privateKey, certificate: await issueCertificate(order) };
}

async function writeIdentity(authority: CertificateAndKey, name: string): Promise<void> {
  const { privateKey, certificate } = await issue(authority, { role: "operator", id: name });
  await mkdir(join(directory, name));
  await writeFile(join(directory, name, "key.pem"), privateKey);
  await writeFile(join(directory, name, "certificate.pem"), certificate);
  await writeFile(join(directory, name, "authority.pem"), authority.certificate);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-tls-"));
  ours = await authorityNamed("ours");
  theirs = await authorityNamed("theirs");
  await writeIdentity(ours, "anna");
  await writeIdentity(theirs, "stranger");
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function listen(
  listening: Script,
  subject: CertificateSubject = { role: "coordinator", id: "c1" },
): Promise<ScriptedCoordinator> {
  const { privateKey, certificate } = await issue(ours, subject);
  const pair = { private_key: Buffer.from(privateKey), cert_chain: Buffer.from(certificate) };
  const root = Buffer.from(ours.certificate);
  const credentials = ServerCredentials.createSsl(root, [pair], true);
  return await ScriptedCoordinator.listen("127.0.0.1:0", listening, credentials);
}

const script: Script = { listVms: answering(() => ({ vms: [aVm()] })) };

describe("a coordinator elsewhere", () => {
  it.each(["localhost", "127.0.0.1"])("answers our identity at %s", async (host) => {
    await using coordinator = await listen(script);
    const address = coordinator.address.replace("localhost", host);
    const identity = join(directory, "anna");
    const argv = ["vm", "ls", "-o", "name", "--coordinator", address, "--identity", identity];
    expect(await muster(argv)).toEqual({ exitCode: 0, stdout: "web-1\n", stderr: "" });
  });

  it("is not believed when another authority signed it, and we are named with what to check", async () => {
    await using coordinator = await listen(script);
    const environment = {
      MUSTER_COORDINATOR: coordinator.address,
      MUSTER_IDENTITY: join(directory, "stranger"),
    };
    const { exitCode, stdout, stderr } = await muster(["vm", "ls"], { environment });
    expect({ exitCode, stdout }).toEqual({ exitCode: 8, stdout: "" });
    expect(stderr).toContain(`cannot reach the coordinator at ${coordinator.address}`);
    expect(stderr).toContain("its certificate was not issued by the cluster's authority");
    expect(stderr).toContain("that --identity belongs to this cluster");
  });

  it("is found beside one that is silent, long before the timeout of a call", async () => {
    // As a machine that hangs: connections are taken, and nothing ever comes.
    const silent = createServer();
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    try {
      await using coordinator = await listen(script);
      const { port } = silent.address() as AddressInfo;
      const addresses = `https://127.0.0.1:${String(port)},${coordinator.address}`;
      const identity = join(directory, "anna");
      const argv = ["vm", "ls", "-o", "name", "--coordinator", addresses, "--identity", identity];
      // A dial that took the whole timeout would take longer than this test may.
      const answer = await muster([...argv, "--timeout", "10m"]);
      expect(answer).toEqual({ exitCode: 0, stdout: "web-1\n", stderr: "" });
    } finally {
      silent.close();
    }
  });

  it("is not believed when it is only a host of ours", async () => {
    await using coordinator = await listen(script, { role: "host", id: "h1" });
    const identity = join(directory, "anna");
    const argv = ["vm", "ls", "--coordinator", coordinator.address, "--identity", identity];
    expect(await muster(argv)).toMatchObject({ exitCode: 8, stdout: "" });
  });
});
