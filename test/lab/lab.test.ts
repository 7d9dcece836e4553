/** The lab itself: what the other lab tests rely on, on real libvirt, QEMU and Open vSwitch. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addressFromMac, guestXml, Lab, waitFor, type GuestSpec } from "./lab.ts";
import { LabPaths } from "./lab-paths.ts";
import { leftovers, namespacesOf } from "./leftovers.ts";

const directory = "/tmp/muster-lab-test";
const macOfB = "52:54:00:0a:00:02";

const ping = (address: string): string[] => ["/bin/ping", "-c", "2", "-W", "2", address];

async function startGuest(
  lab: Lab,
  host: string,
  spec: GuestSpec,
  base: readonly string[],
): Promise<void> {
  const disk = `/srv/shared/${spec.name}.qcow2`;
  await lab.host(host).exec(["qemu-img", "create", "-q", "-f", "qcow2", ...base, disk, "128M"]);
  const file = join(lab.host(host).directory, "run", `${spec.name}.xml`);
  await lab
    .host(host)
    .exec(["tee", `/run/${spec.name}.xml`], { input: guestXml({ ...spec, disk }) });
  await lab.virsh(host, ["define", file]);
  await lab.virsh(host, ["start", spec.name]);
}

describe("a lab of two hosts", () => {
  let lab: Lab;

  beforeAll(async () => {
    await Lab.down({ directory });
    lab = await Lab.up({ hosts: 2, directory });
    const overlay = ["-b", "/srv/shared/guest/disk.qcow2", "-F", "qcow2"];
    const onVlan = (vlan: number, mac?: string) => ({
      bridge: "br0",
      vlan,
      ...(mac === undefined ? {} : { mac }),
    });
    const a = { name: "a", commandLine: "addr=10.10.0.1/8 dirty=10", networks: [onVlan(10)] };
    const b = { name: "b", kernelBoot: false, networks: [onVlan(10, macOfB)] };
    const c = { name: "c", commandLine: "addr=10.10.0.3/8", networks: [onVlan(20)] };
    await Promise.all([
      startGuest(lab, "h1", a, []),
      startGuest(lab, "h2", b, overlay),
      startGuest(lab, "h2", c, []),
    ]);
    const running = [
      ["h1", "a"],
      ["h2", "b"],
      ["h2", "c"],
    ] as const;
    await Promise.all(running.map(([host, vm]) => lab.waitForGuest(host, vm)));
  });

  afterAll(async () => {
    const namespaces = namespacesOf(directory);
    expect(namespaces.size).toBe(4);
    await lab.down();
    expect(leftovers(directory, namespaces)).toEqual([]);
  });

  it("has hosts that libvirt tells apart and that offer no kvm", async () => {
    const [first, second] = await Promise.all(
      ["h1", "h2"].map((host) => lab.virsh(host, ["capabilities"])),
    );
    expect(first).toContain(`<uuid>${lab.host("h1").uuid}</uuid>`);
    expect(second).toContain(`<uuid>${lab.host("h2").uuid}</uuid>`);
    expect(first).not.toContain("domain type='kvm'");
  });

  it("joins guests of one VLAN across hosts and no others", async () => {
    expect((await lab.guestExec("h1", "a", ping(addressFromMac(macOfB)))).exitCode).toBe(0);
    const status = await lab.guestExec("h1", "a", [
      "/bin/nc",
      "-w",
      "5",
      addressFromMac(macOfB),
      "7",
    ]);
    expect(status.stdout).toContain("LAB name=vm-0a0002 ");
    expect((await lab.guestExec("h1", "a", ping("10.10.0.3"))).exitCode).toBe(1);
  });

  it("migrates a running guest by TLS, and the guest does not notice", async () => {
    const earlier = await lab.guestStatus("h1", "a");
    const how = ["--live", "--p2p", "--persistent", "--undefinesource", "--tls"];
    await lab.virsh("h1", ["migrate", ...how, "a", "qemu+tls://h2/system"]);
    const later = await waitFor(
      "the counter to go on",
      async () => {
        const status = await lab.guestStatus("h2", "a");
        return status.count > earlier.count + 1 ? status : undefined;
      },
      { timeoutMs: 20_000, everyMs: 300 },
    );
    expect(later).toMatchObject({
      boot: earlier.boot,
      memoryErrors: 0,
      dirtyErrors: 0,
      diskErrors: 0,
    });
    // A second of uptime for each count: it never stood still for long and never began anew.
    expect(later.count - earlier.count).toBeLessThanOrEqual(
      later.upSeconds - earlier.upSeconds + 1,
    );
    expect((await lab.guestExec("h2", "a", ping(addressFromMac(macOfB)))).exitCode).toBe(0);
    expect(await lab.console("h2", "a")).toContain(`LAB name=a boot=${earlier.boot} count=`);
    expect(await lab.virsh("h1", ["list", "--all", "--name"])).toBe("");
  });

  it("keeps VMs running while libvirtd is killed", async () => {
    await lab.host("h2").libvirtd("kill");
    await expect(lab.virsh("h2", ["list"])).rejects.toThrow(/libvirt-sock/);
    await lab.host("h2").libvirtd("start");
    expect((await lab.virsh("h2", ["list", "--name"])).split("\n").sort()).toEqual(["a", "b", "c"]);
  });

  it("is left alone by a second up", async () => {
    const record = new LabPaths(directory).record("h1");
    const running = readFileSync(record, "utf8");
    await Lab.up({ hosts: 2, directory });
    expect(readFileSync(record, "utf8")).toBe(running);
  });

  it("runs programs in ctl and ends them", async () => {
    await using program = lab.control.spawn(["sleep", "300"]);
    const pid = await program.pid();
    expect(readFileSync(`/proc/${pid}/comm`, "utf8")).toBe("sleep\n");
    await program.kill("SIGKILL");
    // env(1) became sleep, nsenter passes on how it ended.
    await program.exited;
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect((await lab.control.exec(["ping", "-c", "1", "h2"])).stdout).toContain(
      lab.host("h2").address,
    );
  });

  it("loses what runs, and nothing else, in a power cut", async () => {
    const host = lab.host("h2");
    await host.exec(["touch", "/srv/local/kept", "/var/lib/muster-kept", "/run/volatile"]);
    await host.crash();
    expect(await host.isUp()).toBe(false);
    expect(
      (await lab.control.exec(["ping", "-c", "1", "-W", "1", "h2"], { check: false })).exitCode,
    ).toBe(1);
    await host.boot();
    expect(await lab.virsh("h2", ["list", "--name"])).toBe("");
    expect((await lab.virsh("h2", ["list", "--all", "--name"])).split("\n").sort()).toEqual([
      "a",
      "b",
      "c",
    ]);
    await host.exec([
      "test",
      "-e",
      "/srv/local/kept",
      "-a",
      "-e",
      "/var/lib/muster-kept",
      "-a",
      "!",
      "-e",
      "/run/volatile",
    ]);
    await lab.control.exec(["ping", "-c", "1", "-W", "2", "h2"]);
  });
});
