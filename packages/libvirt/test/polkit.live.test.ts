/** Authentication by polkit: a real polkitd on a system bus of its own decides who may manage the private libvirtd. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrivateLibvirtd, whyNoLibvirtd } from "./private-libvirtd.ts";

/** nobody and games, whom every Debian has. */
const ALLOWED = 65_534;
const REFUSED = 5;

const rules = `polkit.addRule(function (action, subject) {
  if (action.id.indexOf("org.libvirt.unix.") === 0) {
    return subject.user === "nobody" ? polkit.Result.YES : polkit.Result.NO;
  }
});
`;

const client = `
import { connect } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
const uid = Number(process.argv[2]);
process.setgroups([]);
process.setgid(uid);
process.setuid(uid);
try {
  await using hypervisor = await connect({ socketPath: "/run/libvirt/libvirt-sock", uri: "test:///default" });
  const [domain] = await hypervisor.listAllDomains();
  console.log(JSON.stringify({ uid: process.getuid(), domain: domain.name }));
} catch (error) {
  console.log(JSON.stringify({ uid: process.getuid(), name: error.name, code: error.code, domain: error.domain, message: error.message }));
}
`;

const missing =
  whyNoLibvirtd() ?? (existsSync("/usr/lib/polkit-1/polkitd") ? null : "polkitd is not installed");

if (missing !== null) console.warn(`SKIPPED polkit: ${missing}`);

describe.skipIf(missing !== null)("a daemon that asks polkit", () => {
  let daemon: PrivateLibvirtd;

  beforeAll(async () => {
    daemon = await PrivateLibvirtd.start({
      polkit: true,
      config: 'auth_unix_rw = "polkit"\n',
      etcFiles: { "polkit-1/rules.d/10-test.rules": rules },
    });
    const entry = join(daemon.root, "run/client.ts");
    writeFileSync(entry, client);
    const outfile = join(daemon.root, "run/client.mjs");
    buildSync({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
    });
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  const connectAs = (uid: number): unknown =>
    JSON.parse(daemon.exec(process.execPath, "/run/client.mjs", String(uid)));

  it("opens to whom polkit allows it", () => {
    expect(connectAs(ALLOWED)).toEqual({ uid: ALLOWED, domain: "test" });
  });

  it("does not open to others, and says so with libvirt's code", () => {
    expect(connectAs(REFUSED)).toMatchObject({
      uid: REFUSED,
      name: "LibvirtError",
      code: "authFailed",
    });
  });

  it("lets root in without asking", () => {
    expect(connectAs(0)).toEqual({ uid: 0, domain: "test" });
  });
});
