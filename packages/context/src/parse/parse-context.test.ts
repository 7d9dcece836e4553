import { describe, expect, it } from "vitest";
import { textOfBytes } from "../bytes.ts";
import { parseContext } from "./parse-context.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9 alice@example.org";
const PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n-----END PRIVATE KEY-----\n";

const refusal = (document: unknown): string => {
  try {
    parseContext(document);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "accepted";
};

describe("parseContext", () => {
  it("fills in what nobody said", () => {
    expect(parseContext({})).toMatchObject({
      format: "nocloud",
      users: [],
      afterFirstBoot: "keep",
      report: "channel",
      timeoutMs: 1_800_000,
    });
  });

  it("takes everything a guest can be told", () => {
    const context = parseContext({
      format: "stratuslab",
      hostname: "web-1.example.org",
      users: [{ name: "alice", sshKeys: [KEY], groups: ["wheel"], sudo: true, shell: "/bin/bash" }],
      hostKeys: [{ type: "ed25519", private: PEM, public: KEY }],
      certificates: [
        { path: "/etc/grid/cert.pem", certificate: PEM, keyPath: "/etc/grid/key.pem", key: PEM },
      ],
      dns: { servers: ["2001:DB8::1"], search: ["example.org"] },
      files: [{ path: "/etc/motd", content: "hello\n", mode: "0640", owner: "root:adm" }],
      values: { SIZE: 3, DEBUG: true, TEXT: "a b" },
      members: [{ name: "fe", address: "10.1.1.1", role: "frontend", cpus: 2 }],
      policies: [{ cfengine: { hub: "hub.example.org" } }, { command: "true" }],
      afterFirstBoot: "remove",
      timeout: "45m",
    });
    expect(context.files.map(({ content }) => textOfBytes(content))).toStrictEqual(["hello\n"]);
    expect(context).toMatchObject({
      dns: { servers: ["2001:db8::1"] },
      values: { SIZE: "3", DEBUG: "true", TEXT: "a b" },
      files: [{ mode: 0o640 }],
      policies: [{ kind: "cfengine" }, { kind: "command" }],
      timeoutMs: 2_700_000,
    });
  });

  it.each([
    [{ hostnam: "x" }, "context.hostnam: unknown field"],
    [{ hostname: "a b" }, "context.hostname: is not a host name"],
    [{ users: [{ name: "Root;" }] }, "context.users[0].name: is not the name of a user"],
    [{ sshKeys: ['command="x" ssh-rsa AAAA'] }, "context.sshKeys[0]: is not a public key"],
    [{ sshKeys: ["ssh-rsa AAAA\nssh-rsa BBBB"] }, "context.sshKeys[0]: must be one line"],
    [{ hostKeys: [{ type: "dsa", private: PEM, public: KEY }] }, "context.hostKeys[0].type: must"],
    [{ hostKeys: [{ type: "rsa", private: "x", public: KEY }] }, "context.hostKeys[0].private: is"],
    [{ files: [{ path: "/a/../b", content: "" }] }, "context.files[0].path: must not have"],
    [{ files: [{ path: "etc/x", content: "" }] }, "context.files[0].path: is not an absolute path"],
    [{ files: [{ path: "/x", content: "", mode: 600 }] }, "context.files[0].mode: is not a mode"],
    [{ files: [{ path: "/x", content: "a", base64: "YQ==" }] }, "context.files[0].content: give"],
    [{ files: [{ path: "/x", base64: "?" }] }, "context.files[0].base64: is not base64"],
    [
      {
        files: [
          { path: "/x", content: "" },
          { path: "/x", content: "" },
        ],
      },
      "context.files[1].path: is given twice",
    ],
    [{ values: { "A-B": "x" } }, "context.values.A-B: is not a name"],
    [{ values: { A: "x\u0000" } }, "context.values.A: has control characters"],
    [{ values: { A: "\ud800" } }, "context.values.A: is not valid Unicode"],
    [{ values: { PATH: "/tmp" } }, "context.values.PATH: means something to the shell"],
    [{ policies: [{ puppet: { server: "x y" } }] }, "context.policies[0].puppet.server: is not"],
    [{ policies: [{ chef: {} }] }, "context.policies[0].chef: unknown field"],
    [{ timeout: "2d" }, "context.timeout: is not a time"],
    [{ format: "stratuslab", userData: "#!/bin/sh" }, "context.userData: is for cloud-init"],
    [{ userData: "Content-Type: multipart/mixed\n\nx" }, "context.userData: is a MIME message"],
    [
      { certificates: [{ path: "/c", certificate: PEM, key: PEM }] },
      "certificates[0].keyPath: key",
    ],
  ])("refuses %j", (document, message) => {
    expect(refusal(document)).toContain(message);
  });

  it("never repeats a secret in a refusal", () => {
    const secret = "hunter2-hunter2";
    const documents = [
      { users: [{ name: "a", passwordHash: `${secret} ` }] },
      { values: { A: `${secret}\u0001` } },
      { files: [{ path: "/x", base64: `${secret}?` }] },
      { hostKeys: [{ type: "rsa", private: secret, public: KEY }] },
    ];
    for (const document of documents) {
      expect(refusal(document)).not.toBe("accepted");
      expect(refusal(document)).not.toContain(secret);
    }
  });
});
