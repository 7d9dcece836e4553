/** Authentication by polkit: a real polkitd on a system bus of its own decides who may manage the private libvirtd. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programInside } from "./inside.ts";
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
const uid = Number(process.argv[2]);
process.setgroups([]);
process.setgid(uid);
process.setuid(uid);
try {
  const target = { socketPath: "/run/libvirt/libvirt-sock", uri: "test:///default" };
  await using hypervisor = await libvirt.connect(target);
  const [domain] = await hypervisor.listAllDomains();
  say({ uid: process.getuid(), domain: domain.name });
} catch ({ name, code }) {
  say({ uid: process.getuid(), name, code });
}
`;

const missing =
  whyNoLibvirtd() ?? (existsSync("/usr/lib/polkit-1/polkitd") ? null : "polkitd is not installed");

if (missing !== null) console.warn(`SKIPPED polkit: ${missing}`);

describe.skipIf(missing !== null)("a daemon that asks polkit", () => {
  let daemon: PrivateLibvirtd;
  let connectAs: (uid: string) => unknown;

  beforeAll(async () => {
    daemon = await PrivateLibvirtd.start({
      polkit: true,
      config: 'auth_unix_rw = "polkit"\n',
      etcFiles: { "polkit-1/rules.d/10-test.rules": rules },
    });
    connectAs = programInside(daemon, client);
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  it("opens to whom polkit allows it", () => {
    expect(connectAs(String(ALLOWED))).toEqual({ uid: ALLOWED, domain: "test" });
  });

  it("does not open to others, and says so with libvirt's code", () => {
    expect(connectAs(String(REFUSED))).toEqual({
      uid: REFUSED,
      name: "LibvirtError",
      code: "authFailed",
    });
  });

  it("lets root in without asking", () => {
    expect(connectAs("0")).toEqual({ uid: 0, domain: "test" });
  });
});
