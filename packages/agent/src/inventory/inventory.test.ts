import { readFile } from "node:fs/promises";
import { GIB, MIB } from "@muster/model";
import { seededRandom, SimulatedClock } from "@muster/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HostFacts } from "../hypervisor/hypervisor.ts";
import { SimulatedHypervisor } from "../hypervisor/simulated/simulated-hypervisor.ts";
import { SimulatedWorld } from "../hypervisor/simulated/simulated-world.ts";
import { collectInventory } from "./collect-inventory.ts";
import { LinuxSystem } from "./collect.ts";
import { hostReport } from "./host-report.ts";
import { isSharedStorage, mountOf, parseMounts } from "./mounts.ts";
import { parseCapabilities, parseDomainCapabilities } from "./parse-capabilities.ts";
import { nicFrom, type InterfaceFiles } from "./network-interfaces.ts";
import {
  cpuUsedRatio,
  parseCpuTimes,
  parseFrequencyMhz,
  parseLoad,
  parseMemory,
  parsePressure,
} from "./parse-proc.ts";
import type { SystemFacts } from "./system-facts.ts";

const sample = (name: string): Promise<string> =>
  readFile(new URL(`./samples/${name}.xml`, import.meta.url), "utf8");

describe("capabilities", () => {
  it("of a real QEMU host give CPU, NUMA, machine types and virtualisation", async () => {
    const capabilities = parseCapabilities(await sample("capabilities-qemu"));
    expect(capabilities).toMatchObject({
      hostUuid: "0a1b2c3d-0000-4000-8000-00000000cafe",
      architecture: "x86_64",
      cpuModel: "kvm64",
      cpuVendor: "AMD",
      sockets: 1,
      coresPerSocket: 2,
      threadsPerCore: 1,
      logicalCpus: 2,
      virtualization: "kvm",
    });
    expect(capabilities.cpuFeatures).toContain("avx512f");
    expect(capabilities.machineTypes).toContain("pc-q35-7.2");
    expect(capabilities.numaCells).toEqual([
      {
        id: 0,
        memoryBytes: 5_597_396n * 1024n,
        cpus: [0, 1],
        hugePages: [
          { pageBytes: 2n * MIB, total: 64n, free: 64n },
          { pageBytes: GIB, total: 0n, free: 0n },
        ],
      },
    ]);
  });

  it("of the test driver give two NUMA cells", async () => {
    const capabilities = parseCapabilities(await sample("capabilities-test"));
    expect(capabilities).toMatchObject({ logicalCpus: 16, sockets: 2, virtualization: "test" });
    expect(capabilities.numaCells.map(({ memoryBytes }) => memoryBytes)).toEqual([
      2n * GIB,
      4n * GIB,
    ]);
  });

  it("of domains name the model guests get", async () => {
    const domains = parseDomainCapabilities(await sample("domain-capabilities-qemu"));
    expect(domains.hostModel).toBe("kvm64");
    expect(parseDomainCapabilities("")).toEqual({ hostModel: "", usableCpuModels: [] });
  });

  it("that are not XML end in a clear error", () => {
    expect(() => parseCapabilities("<capabilities>")).toThrow(/capabilities of this host/);
  });
});

describe("mounts", () => {
  const mounts = parseMounts(
    [
      "/dev/vda1 / ext4 rw 0 0",
      "tmpfs /run tmpfs rw 0 0",
      "nas:/a /srv/shared nfs4 rw 0 0",
      "/dev/vdb /srv/shared/local ext4 rw 0 0",
      "bindfs /srv/with\\040blank fuse.glusterfs rw 0 0",
      "",
    ].join("\n"),
  );

  it.each([
    { path: "/var/lib/libvirt/images", kind: "dir", filesystem: "ext4", shared: false },
    { path: "/srv/shared", kind: "dir", filesystem: "nfs4", shared: true },
    { path: "/srv/shared/images", kind: "dir", filesystem: "nfs4", shared: true },
    { path: "/srv/shared2", kind: "dir", filesystem: "ext4", shared: false },
    { path: "/srv/shared/local/x", kind: "dir", filesystem: "ext4", shared: false },
    { path: "/srv/with blank/x", kind: "dir", filesystem: "fuse.glusterfs", shared: true },
    { path: "/dev/rbd", kind: "rbd", filesystem: "ext4", shared: true },
    { path: "/mnt", kind: "netfs", filesystem: "ext4", shared: true },
  ])("$kind at $path is on $filesystem, shared: $shared", ({ path, kind, filesystem, shared }) => {
    expect(mountOf(path, mounts)?.filesystem).toBe(filesystem);
    expect(isSharedStorage({ kind, path }, mounts)).toBe(shared);
  });

  it("takes the mount that hides another at the same place", () => {
    const twice = parseMounts("a /srv ext4 rw 0 0\nb /srv nfs rw 0 0\n");
    expect(mountOf("/srv/x", twice)?.filesystem).toBe("nfs");
  });
});

describe("/proc", () => {
  it("gives load, memory and frequency", () => {
    expect(parseLoad("0.52 0.58 0.59 1/467 12345\n")).toBe(0.52);
    expect(parseMemory("MemTotal:  100 kB\nMemAvailable:    40 kB\n", "MemAvailable")).toBe(
      40_960n,
    );
    expect(parseFrequencyMhz("processor\t: 0\ncpu MHz\t\t: 2596.096\n")).toBe(2596);
    expect(parseFrequencyMhz("processor\t: 0\n")).toBe(0);
    expect(() => parseMemory("nonsense", "MemTotal")).toThrow(/meminfo/);
  });

  it("gives the pressure of the last minute as a share", () => {
    const text =
      "some avg10=63.22 avg60=72.50 avg300=53.88 total=352891099\nfull avg10=0.00 avg60=9.00";
    expect(parsePressure(text)).toBe(0.725);
    expect(parsePressure("some avg10=0.00 avg60=100.01 avg300=0.00 total=0\n")).toBe(1);
    expect(() => parsePressure("full avg10=0.00\n")).toThrow(/pressure/);
  });

  it("counts waiting for disks as idle, and guests once", () => {
    const before = parseCpuTimes("cpu  100 0 100 700 100 0 0 0 90 0\ncpu0 1 2 3 4 5\n");
    expect(before).toEqual({ busy: 200n, total: 1000n });
    const after = parseCpuTimes("cpu  150 0 100 740 110 0 0 0 90 0\n");
    expect(cpuUsedRatio(before, after)).toBe(0.5);
    expect(cpuUsedRatio(after, before)).toBe(0);
  });

  it("keeps the ratio between 0 and 1", () => {
    const times = fc.record({ busy: fc.bigInt({ min: 0n }), total: fc.bigInt({ min: 0n }) });
    fc.assert(
      fc.property(times, times, (before, after) => {
        const ratio = cpuUsedRatio(before, after);
        return ratio >= 0 && ratio <= 1;
      }),
    );
  });
});

describe("a NIC in sysfs", () => {
  const files = (change: Partial<InterfaceFiles> = {}): InterfaceFiles => ({
    entries: new Set(["address", "device"]),
    address: "52:54:00:AA:BB:CC",
    mtu: "1500",
    operstate: "up",
    speed: "10000",
    type: "1",
    uevent: "INTERFACE=x\nIFINDEX=2",
    ...change,
  });

  it.each([
    ["a card", files(), "wired"],
    ["a radio", files({ entries: new Set(["device", "phy80211"]) }), "wireless"],
    ["a bridge", files({ uevent: "DEVTYPE=bridge\nINTERFACE=x" }), "bridge"],
    ["a VLAN", files({ uevent: "DEVTYPE=vlan\nINTERFACE=x" }), "vlan"],
    ["a bond", files({ entries: new Set(["bonding"]) }), "bond"],
    ["a veth", files({ entries: new Set() }), "virtual"],
  ])("that is %s has its kind", (_name, of, kind) => {
    expect(nicFrom("x", of, ["10.0.0.1/24"])).toEqual({
      name: "x",
      mac: "52:54:00:aa:bb:cc",
      speedMbit: 10_000,
      addresses: ["10.0.0.1/24"],
      up: true,
      kind,
      mtu: 1500,
    });
  });

  it.each(["-1", "", "nonsense"])("with speed %j has none that is known", (speed) => {
    expect(nicFrom("x", files({ speed }), [])?.speedMbit).toBe(0);
  });

  it("is left out when it is the loopback or a tap", () => {
    expect(nicFrom("lo", files({ type: "772" }), [])).toBeUndefined();
    expect(nicFrom("vnet0", files({ entries: new Set(["tun_flags"]) }), [])).toBeUndefined();
  });
});

async function partsOf(
  change: { readonly system?: Partial<SystemFacts>; readonly hypervisor?: Partial<HostFacts> } = {},
): Promise<Parameters<typeof hostReport>[0]> {
  const world = new SimulatedWorld({ clock: new SimulatedClock(), random: seededRandom(3) });
  const host = world.addHost({ name: "h1", addresses: ["10.99.0.1"], cpus: 8, numaCells: 2 });
  const hypervisor: HostFacts = {
    libvirtVersion: "9.0.0",
    qemuVersion: "7.2.22",
    capabilitiesXml: await sample("capabilities-qemu"),
    domainCapabilitiesXml: await sample("domain-capabilities-qemu"),
    memoryBytes: 16n * GIB,
    logicalCpus: 2,
    nics: [],
    storages: [
      { name: "a", kind: "dir", path: "/srv/shared/a", capacityBytes: 9n, availableBytes: 4n },
    ],
    ...change.hypervisor,
  };
  const system = {
    ...(await world.system(host.name).readFacts()),
    logicalCpus: 2,
    ...change.system,
  };
  return { hypervisor, system, agentVersion: "0.1.0" };
}

describe("the host report", () => {
  it("brings both sides together", async () => {
    const report = hostReport(await partsOf());
    expect(report).toMatchObject({
      hostname: "h1",
      cpu: { model: "kvm64", vendor: "AMD", cores: 2, logicalCpus: 2, brand: "Simulated CPU" },
      memoryBytes: 16n * GIB,
      storages: [{ name: "a", shared: true, filesystem: "nfs4", availableBytes: 4n }],
      versions: { libvirt: "9.0.0", qemu: "7.2.22", agent: "0.1.0" },
      virtualization: "kvm",
      disagreements: [],
    });
  });

  it("takes free huge pages from the system", async () => {
    const freeHugePages = [{ cell: 0, pageBytes: 2n * MIB, free: 5n }];
    const report = hostReport(await partsOf({ system: { freeHugePages } }));
    expect(report.numaCells[0]?.hugePages[0]).toEqual({
      pageBytes: 2n * MIB,
      total: 64n,
      free: 5n,
    });
  });

  it("says what the two sides do not agree on", async () => {
    const nic = { speedMbit: 0, addresses: [], up: true, kind: "wired", mtu: 1500 };
    const { disagreements } = hostReport(
      await partsOf({
        hypervisor: { memoryBytes: 8n * GIB, logicalCpus: 4 },
        system: {
          nics: [
            { ...nic, name: "eth0", mac: "52:54:00:00:00:01" },
            { ...nic, name: "eth1", mac: "52:54:00:00:00:01" },
          ],
        },
      }),
    );
    expect(disagreements).toEqual([
      "libvirt sees 8 GiB of memory, the system 16 GiB",
      "libvirt sees 4 CPUs, the system 2",
      "libvirt's NUMA cells have 2 CPUs of 4",
      "NICs eth0 and eth1 have one address, 52:54:00:00:00:01",
    ]);
  });

  it("compares cards by name and address", async () => {
    const nic = { speedMbit: 0, addresses: [], up: true, kind: "wired", mtu: 1500 };
    const { disagreements } = hostReport(
      await partsOf({
        hypervisor: {
          nics: [
            { name: "eth0", mac: "52:54:00:00:00:01" },
            { name: "eth1", mac: "52:54:00:00:00:09" },
            { name: "vnet0", mac: "fe:54:00:00:00:01" },
          ],
        },
        system: {
          nics: [
            { ...nic, name: "eth0", mac: "52:54:00:00:00:01" },
            { ...nic, name: "eth1", mac: "52:54:00:00:00:02" },
            { ...nic, name: "eth2", mac: "52:54:00:00:00:03" },
            { ...nic, name: "br0", mac: "52:54:00:00:00:04", kind: "bridge" },
          ],
        },
      }),
    );
    expect(disagreements).toEqual([
      "libvirt sees NIC eth1 as 52:54:00:00:00:09, the system as 52:54:00:00:00:02",
      "libvirt does not see NIC eth2",
    ]);
  });

  it("does not mind the ports of a bond, or a little memory kept by the firmware", async () => {
    const nic = { mac: "52:54:00:00:00:01", speedMbit: 0, addresses: [], up: true, mtu: 1500 };
    const { disagreements } = hostReport(
      await partsOf({
        hypervisor: { memoryBytes: 16n * GIB - 100n * MIB },
        system: {
          nics: [
            { ...nic, name: "eth0", kind: "wired" },
            { ...nic, name: "eth1", kind: "wired" },
            { ...nic, name: "bond0", kind: "bond" },
          ],
        },
      }),
    );
    expect(disagreements).toEqual([]);
  });

  it("of a simulated host has nothing to disagree on", async () => {
    const clock = new SimulatedClock();
    await using world = new SimulatedWorld({ clock, random: seededRandom(1) });
    world.addHost({ name: "h1", addresses: ["10.99.0.1"], cpus: 12, numaCells: 2 });
    await using hypervisor = new SimulatedHypervisor({ world, host: "h1" });
    const collecting = collectInventory({
      hypervisor,
      system: world.system("h1"),
      agentVersion: "0.1.0",
    });
    await clock.runFor(1_000);
    const inventory = await collecting;
    expect(inventory).toMatchObject({
      hostname: "h1",
      cpu: { model: "Skylake-Server", logicalCpus: 12, cores: 12 },
      virtualization: "kvm",
      disagreements: [],
    });
    expect(inventory.numaCells.map(({ cpus }) => cpus.length)).toEqual([6, 6]);
    expect(inventory.storages.map(({ name, shared }) => [name, shared])).toEqual([
      ["default", false],
      ["shared", true],
    ]);
  });
});

describe("this machine", () => {
  it("can be looked at", async () => {
    const system = new LinuxSystem();
    const facts = await system.readFacts();
    expect(facts.logicalCpus).toBeGreaterThan(0);
    expect(facts.memoryBytes).toBeGreaterThan(64n * MIB);
    expect(facts.kernel).not.toBe("");
    expect(facts.mounts.length).toBeGreaterThan(0);
    expect(facts.nics.map(({ name }) => name)).not.toContain("lo");
    const load = await system.readLoad();
    expect(load.memoryAvailableBytes).toBeGreaterThan(0n);
    expect(load.cpuUsedRatio).toBeGreaterThanOrEqual(0);
  });
});
