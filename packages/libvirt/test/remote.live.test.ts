/** TCP, TLS with client certificates, and SASL, against a real libvirtd in its own network namespace. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { connect } from "../src/index.ts";
import { reasonOf } from "./contract.ts";
import { PrivateLibvirtd, whyNoLibvirtd } from "./private-libvirtd.ts";

const skipLoudly = (context: TestContext, why: string | null) => {
  if (why === null) return;
  console.warn(`SKIPPED against real libvirt: ${why}`);
  context.skip(why);
};

/** A certificate authority, a server certificate for localhost, and two clients. */
function makeCertificates(): string {
  const directory = mkdtempSync(join(tmpdir(), "nlv-pki-"));
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: directory, stdio: ["ignore", "ignore", "ignore"] });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  for (const authority of ["ca", "other-ca"]) {
    const files = ["-keyout", `${authority}.key`, "-out", `${authority}.pem`];
    const extension = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    openssl(
      "req",
      "-x509",
      ...newKey,
      ...files,
      "-days",
      "30",
      "-subj",
      `/CN=${authority}`,
      ...extension,
    );
  }
  const certify = (name: string, authority: string) => {
    openssl(
      "req",
      ...newKey,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${name}`,
    );
    const extensions = [
      "basicConstraints=critical,CA:FALSE",
      "keyUsage=critical,digitalSignature,keyEncipherment",
      "extendedKeyUsage=serverAuth,clientAuth",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ];
    writeFileSync(join(directory, "extensions"), extensions.join("\n"));
    const signer = ["-CA", `${authority}.pem`, "-CAkey", `${authority}.key`, "-CAcreateserial"];
    const input = ["-req", "-in", `${name}.csr`, "-out", `${name}.pem`, "-days", "30"];
    openssl("x509", ...input, ...signer, "-extfile", "extensions");
  };
  certify("server", "ca");
  certify("client", "ca");
  certify("stranger", "ca");
  certify("forger", "other-ca");
  chmodSync(directory, 0o755);
  return directory;
}

describe("TCP and TLS", () => {
  const missing = whyNoLibvirtd();
  let daemon: PrivateLibvirtd | undefined;
  let pki = "";
  beforeAll(async () => {
    if (missing !== null) return;
    pki = makeCertificates();
    const pem = (name: string) => readFileSync(join(pki, name), "utf8");
    daemon = await PrivateLibvirtd.start({
      config: `listen_tls = 1\nlisten_tcp = 1\nauth_tcp = "none"\nauth_tls = "none"\ntls_allowed_dn_list = ["CN=client"]\n`,
      etcFiles: {
        "pki/CA/cacert.pem": pem("ca.pem"),
        "pki/libvirt/servercert.pem": pem("server.pem"),
        "pki/libvirt/private/serverkey.pem": pem("server.key"),
      },
    });
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    if (pki !== "") rmSync(pki, { recursive: true });
  });

  const remote = (uri: string, options: object = {}): unknown => {
    const script = join(import.meta.dirname, "remote-client.ts");
    const text = daemon?.exec(process.execPath, script, uri, JSON.stringify(options)) ?? "{}";
    return JSON.parse(text);
  };
  const tls = (client: string | null, authority = "ca") => ({
    tls: {
      ca: readFileSync(join(pki, `${authority}.pem`), "utf8"),
      ...(client !== null && {
        cert: readFileSync(join(pki, `${client}.pem`), "utf8"),
        key: readFileSync(join(pki, `${client}.key`), "utf8"),
      }),
    },
  });

  it("opens over TCP", (context) => {
    skipLoudly(context, missing);
    expect(remote("test+tcp://127.0.0.1/default")).toEqual({ names: ["test"], isSecure: false });
  });

  it("opens over TLS with a client certificate", (context) => {
    skipLoudly(context, missing);
    const answer = remote("test+tls://localhost/default", tls("client"));
    expect(answer).toEqual({ names: ["test"], isSecure: true });
  });

  it.each([
    ["a daemon whose authority it does not know", () => tls("client", "other-ca")],
    ["to show no certificate", () => tls(null)],
    ["with a name that the daemon does not allow", () => tls("stranger")],
    ["with a certificate of another authority", () => tls("forger")],
  ])("does not open %s", (_, options) => {
    if (missing !== null) return console.warn(`SKIPPED against real libvirt: ${missing}`);
    expect(remote("test+tls://localhost/default", options())).toHaveProperty("error");
  });
});

describe("SASL", () => {
  const saslpasswd = process.env["SASLPASSWD2"] ?? "/usr/sbin/saslpasswd2";
  const missing =
    whyNoLibvirtd() ?? (existsSync(saslpasswd) ? null : "saslpasswd2 (sasl2-bin) is not installed");
  let daemon: PrivateLibvirtd | undefined;
  beforeAll(async () => {
    if (missing !== null) return;
    daemon = await PrivateLibvirtd.start({
      config: `auth_unix_rw = "sasl"\n`,
      etcFiles: {
        "sasl2/libvirt.conf": "mech_list: scram-sha-256\nsasldb_path: /etc/libvirt/passwd.db\n",
      },
    });
    const database = join(daemon.root, "etc/libvirt/passwd.db");
    const realm = daemon.exec("hostname").trim();
    execFileSync(saslpasswd, ["-p", "-c", "-f", database, "-u", realm, "fred"], {
      input: "s3cret",
    });
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  it("opens with a password by SCRAM-SHA-256", async (context) => {
    skipLoudly(context, missing);
    const target = { socketPath: daemon?.socketPath ?? "", uri: "test:///default" };
    const credentials = { username: "fred", password: "s3cret" };
    await using hypervisor = await connect(target, { credentials });
    expect((await hypervisor.listAllDomains()).map(({ name }) => name)).toEqual(["test"]);
    const wrong = { ...credentials, password: "guess" };
    expect(await reasonOf(connect(target, { credentials: wrong }))).toMatchObject({
      code: "authFailed",
    });
    expect(await reasonOf(connect(target))).toMatchObject({ name: "AuthenticationError" });
  });
});
