/**
 * Which daemon a local URI means, with a daemon for each driver at the split daemons' own sockets in /run/libvirt. No
 * Debian ships virtqemud and its like, so each of these is a libvirtd that is given one driver's module only.
 */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { programInside } from "./inside.ts";
import { PrivateLibvirtd, whyNoLibvirtd } from "./private-libvirtd.ts";

const MODULES = "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver";

/** Ends the daemon that has all drivers; then one for each. */
const SPLIT = `
set -e
pid=$(cat /run/libvirtd.pid); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done
rm -f /run/libvirt/libvirt-sock*
for d in qemu network storage secret nodedev nwfilter interface; do
  mkdir -p /run/drivers/$d /run/split/$d
  ln -s ${MODULES}/libvirt_driver_$d.so /run/drivers/$d/
  { grep -v log_outputs /etc/libvirt/libvirtd.conf
    echo 'unix_sock_dir = "/run/split/'$d'"'; echo 'log_outputs = "2:file:/var/log/libvirt/'$d'.log"'; } >/run/$d.conf
  LIBVIRT_DRIVER_DIR=/run/drivers/$d libvirtd -d -f /run/$d.conf -p /run/$d.pid </dev/null >/dev/null 2>&1
  ln -s /run/split/$d/libvirt-sock "/run/libvirt/virt"$d"d-sock"
done
`;

const client = `
const [uri, method] = process.argv.slice(2);
try {
  await using hypervisor = await libvirt.connect(uri);
  say({ uri: await hypervisor.getUri(), answer: (await hypervisor[method]()).length });
} catch ({ name, code, message }) {
  say({ name, code, message });
}
`;

const missing =
  whyNoLibvirtd() ?? (existsSync(MODULES) ? null : `libvirt has no modules in ${MODULES}`);

describe("daemons of one driver each", () => {
  let daemon: PrivateLibvirtd | undefined;
  let ask: (uri: string, method: string) => unknown = () => undefined;

  beforeEach((context) => {
    if (missing === null) return;
    console.warn(`SKIPPED split daemons: ${missing}`);
    context.skip(missing);
  });
  beforeAll(async () => {
    if (missing !== null) return;
    daemon = await PrivateLibvirtd.start();
    daemon.exec("bash", "-c", SPLIT);
    ask = programInside(daemon, client);
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
  });

  it.each([
    ["qemu:///system", "listAllDomains"],
    ["network:///system", "listAllNetworks"],
    ["storage:///system", "listAllStoragePools"],
    ["secret:///system", "listAllSecrets"],
    ["nodedev:///system", "listAllNodeDevices"],
    ["nwfilter:///system", "listAllNwfilters"],
    ["interface:///system", "listAllInterfaces"],
  ])("%s reaches the daemon that has %s", (uri, method) => {
    expect(ask(uri, method)).toMatchObject({ uri, answer: expect.any(Number) as number });
  });

  it("have no other driver, and say so", () => {
    expect(ask("network:///system", "listAllSecrets")).toMatchObject({ code: "noSupport" });
  });

  it("are not asked where the URI wants libvirtd", () => {
    expect(ask("qemu:///system?mode=legacy", "listAllDomains")).toMatchObject({ code: "ENOENT" });
  });
});
