/** Goal: mutual TLS with the cluster's own authority, and a clear refusal of everything else. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aVm } from "../testing/builders.ts";
import { muster } from "../testing/in-process.ts";
import { answering, ScriptedCoordinator, type Script } from "../testing/scripted-coordinator.ts";

const run = promisify(execFile);

let directory = "";

/** Each identity gets a directory with key.pem, certificate.pem, authority.pem. */
async function makeIdentity(name: string, authority: string): Promise<void> {
  const at = (file: string): string => join(directory, name, file);
  const ca = (file: string): string => join(directory, authority, file);
  await run("mkdir", ["-p", join(directory, name)]);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = ["-subj", `/CN=${name}`];
  if (name === authority) {
    const out = ["-keyout", at("key.pem"), "-out", at("authority.pem")];
    await run("openssl", ["req", "-x509", ...newKey, ...subject, "-days", "2", ...out]);
    return;
  }
  const request = ["-keyout", at("key.pem"), "-out", at("request.pem")];
  await run("openssl", ["req", ...newKey, ...subject, ...request]);
  await writeFile(at("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1");
  const signer = ["-CA", ca("authority.pem"), "-CAkey", ca("key.pem"), "-days", "2"];
  const files = ["-in", at("request.pem"), "-out", at("certificate.pem"), "-extfile", at("names")];
  await run("openssl", ["x509", "-req", ...signer, ...files]);
  await writeFile(at("authority.pem"), await readFile(ca("authority.pem")));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muster-cli-tls-"));
  await makeIdentity("ours", "ours");
  await makeIdentity("theirs", "theirs");
  await makeIdentity("coordinator", "ours");
  await makeIdentity("admin", "ours");
  await makeIdentity("stranger", "theirs");
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function listen(script: Script): Promise<ScriptedCoordinator> {
  const read = (file: string) => readFile(join(directory, "coordinator", file));
  const pair = { private_key: await read("key.pem"), cert_chain: await read("certificate.pem") };
  const credentials = ServerCredentials.createSsl(await read("authority.pem"), [pair], true);
  return await ScriptedCoordinator.listen("127.0.0.1:0", script, credentials);
}

const script: Script = { listVms: answering(() => ({ vms: [aVm()] })) };

describe("a coordinator elsewhere", () => {
  it.each(["localhost", "127.0.0.1"])("answers our identity at %s", async (host) => {
    await using coordinator = await listen(script);
    const address = coordinator.address.replace("localhost", host);
    const identity = join(directory, "admin");
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
    expect(stderr).toContain("that --identity belongs to this cluster");
  });
});
