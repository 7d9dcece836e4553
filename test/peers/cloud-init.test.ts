/**
 * The programs our contexts are written for read them: cloud-init's schema, network converter and YAML parser, xmllint,
 * and what reads ISO images. Each compares with what went in, hostile strings and all.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  parseContext,
  renderFrontendVcOut,
  renderIso,
  renderSeed,
  type Context,
  type ContextSubject,
  type Seed,
} from "@muster/context";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cloudInit, cloudInitRoot, python, xmllint } from "../lab/cloud-init/cloud-init.ts";
import { run } from "../lab/command.ts";

const subject: ContextSubject = {
  id: "6f1c1a52-0c4c-4d6e-9a51-3f2b6f1d0a01",
  name: "web-1",
  nics: [
    {
      mac: "02:6d:00:00:00:01",
      mtu: 1450,
      addresses: [
        { address: "10.1.0.5", prefixLength: 20, gateway: "10.1.0.1" },
        { address: "2001:db8:1::5", prefixLength: 64, gateway: "2001:db8:1::1" },
      ],
      dns: ["10.1.0.2"],
      search: ["example.org"],
    },
    { mac: "02:6d:00:00:00:02", mtu: 9000, addresses: [], dns: [], search: [] },
  ],
};

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9 alice";
const PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----\n";

const whole = (format: Context["format"]): Context =>
  parseContext({
    format,
    hostname: "web-1.example.org",
    users: [
      { name: "alice", sshKeys: [KEY], groups: ["adm"], sudo: true, passwordHash: "$6$a$b/c." },
    ],
    sshKeys: [KEY],
    hostKeys: [{ type: "ed25519", private: PEM, public: KEY, certificate: KEY }],
    certificates: [{ path: "/etc/x/c.pem", certificate: PEM, keyPath: "/etc/x/k.pem", key: PEM }],
    authorities: [PEM],
    dns: { servers: ["9.9.9.9"], search: ["a.org"] },
    files: [{ path: "/etc/motd", content: "hi\n", owner: "alice:alice", mode: "0640" }],
    packages: ["htop"],
    commands: ["true"],
    values: { A: "b" },
    members: [{ name: "fe", address: "10.1.1.1", role: "frontend" }],
    policies: [{ puppet: { server: "p" } }],
    ...(format === "stratuslab" ? {} : { userData: "#cloud-config\ntimezone: Europe/Berlin\n" }),
  });

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(..."'\"`$\\!#&;|<>{}[]:,-? \t\n%@~*"),
      fc.constantFrom(
        "$(touch owned)",
        "yes",
        "null",
        "!!python/object:os.system",
        "\u0085",
        "\u2028",
      ),
      fc.string({ unit: "grapheme", maxLength: 4 }),
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(""))

  .filter((text) => text.isWellFormed() && !/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text));

let root = "";
let directory = "";

beforeAll(async () => {
  root = await cloudInitRoot((line) => {
    process.stderr.write(`${line}\n`);
  });
  directory = await mkdtemp(join(tmpdir(), "muster-seeds-"));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function unpacked(name: string, seed: Seed): Promise<string> {
  for (const { path, content } of seed.files) {
    await mkdir(dirname(join(directory, name, path)), { recursive: true });
    await writeFile(join(directory, name, path), content);
  }
  return join(directory, name);
}

/** Parts of user-data by name, as cloud-init's own language reads them. */
const partsOf = `
import email, json, sys
message = email.message_from_bytes(open(sys.argv[1], "rb").read())
print(json.dumps({part.get_filename(): [part.get_content_type(), part.get_payload(decode=True).decode("utf-8")]
  for part in message.walk() if not part.is_multipart()}))
`;

async function readParts(path: string): Promise<Record<string, readonly [string, string]>> {
  const { stdout } = await python(root, partsOf, path);
  return JSON.parse(stdout) as Record<string, readonly [string, string]>;
}

describe("cloud-init", () => {
  it("finds nothing to complain about in our cloud-config", async () => {
    const seed = await unpacked("nocloud", renderSeed(whole("nocloud"), subject));
    const parts = await readParts(join(seed, "user-data"));
    expect(Object.entries(parts).map(([name, [type]]) => [name, type])).toStrictEqual([
      ["10-muster", "text/cloud-config"],
      ["50-own", "text/plain"],
      ["zz-muster-first-boot", "text/x-shellscript"],
    ]);
    const config = join(directory, "cloud-config.yaml");
    await writeFile(config, parts["10-muster"]?.[1] ?? "");
    const { stdout } = await cloudInit(root, "schema", "-c", config);
    expect(stdout).toContain("Valid cloud-config");
  });

  it("reads every text as it was written", async () => {
    const documents = fc.sample(fc.array(hostile, { minLength: 30, maxLength: 30 }), {
      numRuns: 10,
      seed: 7,
    });
    const expected = documents.map((texts) => ({
      ssh_authorized_keys: texts.map((text) =>
        `ssh-rsa AAAA ${text.replaceAll(/[\s\u0085]+/g, " ")}`.trim(),
      ),
    }));
    for (const [index, { ssh_authorized_keys: sshKeys }] of expected.entries()) {
      const seed = renderSeed(parseContext({ sshKeys }), subject);
      const parts = await readParts(
        join(await unpacked(`hostile-${String(index)}`, seed), "user-data"),
      );
      await writeFile(
        join(directory, `hostile-${String(index)}.yaml`),
        parts["10-muster"]?.[1] ?? "",
      );
    }
    const files = expected.map((_, index) => join(directory, `hostile-${String(index)}.yaml`));
    const script =
      'import json, sys; from cloudinit import util; print(json.dumps([util.load_yaml(open(p).read())["ssh_authorized_keys"] for p in sys.argv[1:]]))';
    const { stdout } = await python(root, script, ...files);
    expect(JSON.parse(stdout)).toStrictEqual(expected.map(({ ssh_authorized_keys: keys }) => keys));
  });

  it.each([
    ["nocloud", "network-config", "yaml"],
    ["config-drive", "openstack/latest/network_data.json", "network_data.json"],
  ] as const)("sets up the network of %s", async (format, file, kind) => {
    const seed = await unpacked(format, renderSeed(whole(format), subject));
    const convert = async (output: string): Promise<string> => {
      const out = join(directory, `${format}-${output}`);
      const macs = ["-m", "eth0,02:6d:00:00:00:01", "-m", "eth1,02:6d:00:00:00:02"];
      const where = ["-p", join(seed, file), "-k", kind, "-d", out, "-D", "debian", "-O", output];
      await cloudInit(root, "devel", "net-convert", ...where, ...macs);
      const { stdout } = await run(["sh", "-c", 'find "$1" -type f -exec cat {} +', "sh", out]);
      return stdout;
    };
    const interfaces = await convert("eni");
    expect(interfaces).toContain("address 10.1.0.5/20");
    expect(interfaces).toContain("address 2001:db8:1::5/64");
    expect(interfaces).toMatch(/mtu 1450/);
    expect(interfaces).toMatch(/iface eth1 inet dhcp/);
    expect(interfaces).toMatch(/gateway 10\.1\.0\.1|default gw 10\.1\.0\.1/);
    expect(interfaces).toMatch(/gateway 2001:db8:1::1|default gw 2001:db8:1::1/);
    const netplan = await convert("netplan");
    expect(netplan).toContain("macaddress: 02:6d:00:00:00:01");
    expect(netplan).toContain("- 10.1.0.2\n");
    expect(netplan).toContain("- 9.9.9.9\n");
  });
});

describe("disks", () => {
  it.each(["nocloud", "config-drive", "stratuslab"] as const)("of %s are read", async (format) => {
    const seed = renderSeed(whole(format), subject);
    const image = join(directory, `${format}.iso`);
    await writeFile(image, renderIso(seed));
    const { stdout: probed } = await run(["blkid", "-p", "-o", "value", "-s", "LABEL", image]);
    expect(probed.trim()).toBe(seed.label);
    const { stdout: listed } = await run(["isoinfo", "-R", "-f", "-i", image]);
    for (const { path, content } of seed.files) {
      expect(listed.split("\n")).toContain(`/${path}`);
      for (const flags of [
        ["-R", "-x", `/${path}`],
        ["-J", "-x", `/${path};1`],
      ]) {
        const { stdout } = await run(["isoinfo", "-i", image, ...flags]);
        expect(stdout).toBe(Buffer.from(content).toString("utf8"));
      }
    }
  });

  it("are the same bytes whenever they are written", () => {
    const write = (): string =>
      Buffer.from(renderIso(renderSeed(whole("nocloud"), subject))).toString("base64");
    expect(write()).toBe(write());
  });
});

it("xmllint reads vc-out.xml as it was meant", async () => {
  const frontend = { name: "fe", fqdn: "fe.example.org", gateway: "", interfaces: [] };
  const texts = fc.sample(hostile, { numRuns: 40, seed: 11 });
  for (const text of texts) {
    const cluster = {
      frontend: { ...frontend, fqdn: text },
      computes: [],
      dns: { domain: "", ip: "", search: "" },
      key: text,
    };
    const path = join(directory, "vc-out.xml");
    await writeFile(path, renderFrontendVcOut(cluster, "current"));
    const read = async (query: string): Promise<string> =>
      (await xmllint(root, "--xpath", `string(${query})`, path)).stdout.slice(0, -1);
    expect(await read("/vc/key")).toBe(text);
    expect(await read("/vc/frontend/@fqdn")).toBe(text);
    expect(await read("count(/vc/*)")).toBe("4");
  }
});
