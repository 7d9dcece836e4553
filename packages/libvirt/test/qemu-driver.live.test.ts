/** Against real libvirtd with QEMU: streams, consoles, block jobs, hot plug, the families the test driver lacks. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import type { Domain, StoragePool } from "../src/index.ts";
import { reasonOf, useLibvirtd } from "./contract.ts";

const URI = "qemu:///system";
const contract = useLibvirtd(URI);
const virsh = (...args: string[]) =>
  contract()
    .daemon.virsh(URI, ...args)
    .trim();
const MIB = 1_048_576;

const guestXml = (name: string, disk = "") =>
  `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory><currentMemory unit='MiB'>64</currentMemory>
   <vcpu>1</vcpu><iothreads>1</iothreads><os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features><devices>
   <emulator>/usr/bin/qemu-system-x86_64</emulator><console type='pty'/><video><model type='vga'/></video>
   <graphics type='vnc' port='-1' autoport='yes'/>${disk}</devices></domain>`;
const diskXml = (path: string) =>
  `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${path}'/><target dev='vda' bus='virtio'/></disk>`;

async function newPool(name: string): Promise<StoragePool> {
  const { hypervisor } = contract();
  const pool = await hypervisor.storagePoolDefineXml(
    `<pool type='dir'><name>${name}</name><target><path>/run/${name}</path></target></pool>`,
  );
  await pool.build();
  await pool.create();
  return pool;
}

async function newDisk(pool: StoragePool, name: string, sizeMiB = 16): Promise<string> {
  const volume = await pool.storageVolCreateXml(
    `<volume><name>${name}</name><capacity unit='MiB'>${sizeMiB}</capacity><target><format type='qcow2'/><compat>1.1</compat></target></volume>`,
  );
  return volume.getPath();
}

async function removed(domain: Domain): Promise<void> {
  await domain.destroy();
  await domain.undefine({ flags: ["snapshotsMetadata", "checkpointsMetadata", "managedSave"] });
}

describe("volume streams", () => {
  it("carry bytes up and down, whole and in part", async () => {
    const { daemon } = contract();
    const pool = await newPool("streams");
    const volume = await pool.storageVolCreateXml(
      `<volume><name>v.raw</name><capacity unit='MiB'>8</capacity></volume>`,
    );
    const bytes = randomBytes(8 * MIB);
    await pipeline(Readable.from([bytes]), await volume.upload());
    expect(readFileSync(`${daemon.root}/run/streams/v.raw`).equals(bytes)).toBe(true);
    const all = Buffer.concat((await (await volume.download()).toArray()) as Buffer[]);
    expect(all.equals(bytes)).toBe(true);
    const part = await volume.download({ offset: 5n, length: 1_000_000n });
    const slice = Buffer.concat((await part.toArray()) as Buffer[]);
    expect(slice.equals(bytes.subarray(5, 1_000_005))).toBe(true);
    const turned = bytes.toReversed();
    await ReadableStream.from([turned]).pipeTo((await volume.upload()).toWeb().writable);
    const web = await new Response((await volume.download()).toWeb().readable).bytes();
    expect(Buffer.from(web).equals(turned)).toBe(true);
    const early = await volume.download();
    early.on("error", () => undefined);
    early.destroy();
    await expect.poll(() => contract().hypervisor.connections).toBe(1);
    await volume.delete();
    await pool.destroy();
    await pool.undefine();
  });

  it("skip holes when they are sparse", async () => {
    const { daemon } = contract();
    const pool = await newPool("sparse");
    const volume = await pool.storageVolCreateXml(
      `<volume><name>v.raw</name><capacity unit='MiB'>64</capacity><allocation>0</allocation></volume>`,
    );
    const up = await volume.uploadSparse();
    await up.write(Buffer.from("head"));
    await up.writeHole(BigInt(64 * MIB - 8));
    await up.write(Buffer.from("tail"));
    await up.finish();
    const file = readFileSync(`${daemon.root}/run/sparse/v.raw`);
    expect(file.length).toBe(64 * MIB);
    expect(`${file.subarray(0, 4).toString()}${file.subarray(-4).toString()}`).toBe("headtail");
    const down = await volume.downloadSparse();
    let data = 0n;
    let holes = 0n;
    for (let item = await down.read(); item; item = await down.read()) {
      if (item.kind === "data") data += BigInt(item.data.length);
      else holes += item.bytes;
    }
    await down.finish();
    expect(data + holes).toBe(BigInt(64 * MIB));
    expect(holes).toBeGreaterThan(BigInt(32 * MIB));
    await volume.delete();
    await pool.destroy();
    await pool.undefine();
  });

  it("give libvirt's error when the daemon refuses", async () => {
    const pool = await newPool("refused");
    const volume = await pool.storageVolCreateXml(
      `<volume><name>v.raw</name><capacity unit='MiB'>1</capacity></volume>`,
    );
    await volume.delete();
    expect(await reasonOf(volume.download())).toMatchObject({ code: "noStorageVol" });
    await expect.poll(() => contract().hypervisor.connections).toBe(1);
    await pool.destroy();
    await pool.undefine();
  });
});

describe("a running guest", () => {
  it("has a console, a screenshot, keys and memory statistics", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainDefineXml(guestXml("console"));
    await domain.create();
    const console_ = await domain.openConsole({ flags: ["force"] });
    console_.on("error", () => undefined);
    console_.write("\r");
    console_.destroy();
    const { mimeType, stream } = await domain.screenshot();
    expect(mimeType).toMatch(/^image\//);
    const image = Buffer.concat((await stream.toArray()) as Buffer[]);
    // Whole: a PNG ends with its IEND chunk, a PPM has three bytes for each pixel. An empty screen is small as a PNG.
    const isPng = image.subarray(1, 4).toString() === "PNG";
    if (isPng) expect(image.subarray(-8, -4).toString()).toBe("IEND");
    else expect(image.length).toBeGreaterThan(100_000);
    await domain.sendKey([28, 29], { holdTimeMs: 10 });
    expect((await domain.memoryStats()).actualBalloon).toBe(65_536n);
    expect(JSON.parse(await domain.qemuMonitorCommand('{"execute":"query-status"}'))).toMatchObject(
      {
        return: { status: "running" },
      },
    );
    expect((await domain.getVcpus())[0]?.state).toBe("running");
    expect(await domain.getEmulatorPinInfo()).not.toHaveLength(0);
    expect((await domain.getIothreadInfo()).map(({ id }) => id)).toEqual([1]);
    expect(await reasonOf(domain.qemuAgentCommand('{"execute":"guest-ping"}'))).toMatchObject({
      code: "argumentUnsupported",
    });
    const stats = await hypervisor.getAllDomainStats({ domains: [domain] });
    expect(Object.keys(stats[0]?.stats ?? {}).length).toBeGreaterThan(10);
    expect(stats[0]?.stats["balloon.maximum"]).toBe(65_536n);
    expect((await domain.getJobInfo()).type).toBe("none");
    const qmp = await hypervisor.qemuMonitorEvents({ domain, event: "RESUME" });
    await domain.suspend();
    await domain.resume();
    expect((await qmp.next()).value).toMatchObject({ event: "RESUME" });
    await qmp.close();
    await removed(domain);
  });

  it("takes devices and gives them back", async () => {
    const { hypervisor } = contract();
    const pool = await newPool("plug");
    const path = await newDisk(pool, "plug.qcow2");
    const domain = await hypervisor.domainDefineXml(guestXml("plug"));
    await domain.create();
    await domain.attachDevice(diskXml(path), { flags: ["live"] });
    expect(await domain.getXmlDesc()).toContain(path);
    expect(virsh("domblklist", "plug")).toContain(path);
    expect((await domain.getBlockInfo("vda")).capacity).toBe(BigInt(16 * MIB));
    expect((await domain.blockStats("vda")).rdReq).toBeTypeOf("bigint");
    expect(await domain.blockStatsFlags("vda")).toHaveProperty("rd_bytes");
    await domain.setBlockIoTune("vda", { total_iops_sec: 500n, group_name: "g" });
    const tune = await domain.getBlockIoTune("vda");
    expect([tune.total_iops_sec, tune.group_name]).toEqual([500n, "g"]);
    await domain.blockResize("vda", BigInt(32 * MIB), { flags: ["bytes"] });
    expect((await domain.getBlockInfo("vda")).capacity).toBe(BigInt(32 * MIB));
    await domain.setBlockThreshold("vda", 1_000_000n);
    await removed(domain);
    await pool.destroy();
    await pool.undefine();
  });

  it("snapshots, commits, pulls, copies and backs up its disk", async () => {
    const { hypervisor, daemon } = contract();
    const pool = await newPool("block");
    const path = await newDisk(pool, "disk.qcow2");
    const domain = await hypervisor.domainDefineXml(guestXml("block", diskXml(path)));
    await domain.create();
    await using events = await hypervisor.domainEvents(["blockJob2", "jobCompleted"], { domain });
    const ended = async (status: string) => {
      for (;;) {
        const { value } = await events.next();
        if (value?.kind === "blockJob2" && value.status === status) return value.type;
      }
    };
    const snapshotXml = `<domainsnapshot><name>s1</name><disks><disk name='vda' snapshot='external'/></disks></domainsnapshot>`;
    await domain.snapshotCreateXml(snapshotXml, { flags: ["diskOnly", "noMetadata", "atomic"] });
    expect(await domain.getXmlDesc()).toContain("disk.s1");
    await domain.blockCommit("vda", { flags: ["active"] });
    expect(await ended("ready")).toBe("activeCommit");
    expect(await domain.getBlockJobInfo("vda")).toMatchObject({ type: "activeCommit" });
    await domain.blockJobAbort("vda", { flags: ["pivot"] });
    expect(await ended("completed")).toBe("activeCommit");
    expect(await domain.getBlockJobInfo("vda")).toBeNull();
    const copyXml = `<disk type='file'><driver type='qcow2'/><source file='/run/block/copy.qcow2'/></disk>`;
    await domain.blockCopy("vda", copyXml, { flags: ["transientJob"], bandwidth: 100_000_000n });
    expect(await ended("ready")).toBe("copy");
    await domain.blockJobAbort("vda");
    const backupXml = `<domainbackup><disks><disk name='vda' type='file'><target file='/run/block/backup.qcow2'/></disk></disks></domainbackup>`;
    const checkpointXml = `<domaincheckpoint><name>c1</name></domaincheckpoint>`;
    await domain.backupBegin(backupXml, { checkpointXml });
    for (let done = false; !done;) {
      const { value } = await events.next();
      done = value?.kind === "jobCompleted";
    }
    expect(existsSync(`${daemon.root}/run/block/backup.qcow2`)).toBe(true);
    expect((await domain.getJobStats({ flags: ["completed"] })).stats["operation"]).toBe(9);
    expect((await domain.listAllCheckpoints()).map(({ name }) => name)).toEqual(["c1"]);
    const checkpoint = await domain.checkpointLookupByName("c1");
    expect((await checkpoint.getXmlDesc()).trim()).toBe(virsh("checkpoint-dumpxml", "block", "c1"));
    await checkpoint.delete();
    await removed(domain);
    await pool.destroy();
    await pool.undefine();
  });

  it("is saved with its memory and restored", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainDefineXml(guestXml("saved"));
    await domain.create();
    await domain.save("/run/saved.img");
    expect(await hypervisor.domainSaveImageGetXmlDesc("/run/saved.img")).toContain("saved");
    await hypervisor.domainRestore("/run/saved.img", { flags: ["paused"] });
    expect(await domain.getState()).toEqual({ state: "paused", reason: "migration" });
    await domain.managedSave();
    expect(await domain.hasManagedSaveImage()).toBe(true);
    expect(await domain.managedSaveGetXmlDesc()).toContain("saved");
    await domain.create();
    expect((await domain.getState()).reason).toMatch(/restored|migration/);
    await domain.coreDump("/run/core.dump", { format: "raw", flags: ["memoryOnly"] });
    await removed(domain);
  });

  it("is not moved to where nobody listens, and says so", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainDefineXml(guestXml("move"));
    await domain.create();
    const options = {
      flags: ["live", "nonSharedDisk"],
      bandwidth: 64n,
      migrateDisks: ["vda"],
    } as const;
    const refused = await reasonOf(domain.migrateToUri("qemu+tcp://127.0.0.1:1/system", options));
    expect(refused).toMatchObject({
      code: "systemError",
      message: expect.stringMatching("refused") as string,
    });
    await domain.migrateSetMaxDowntime(500n);
    expect(await domain.migrateGetMaxDowntime()).toBe(500n);
    await domain.migrateSetMaxSpeed(32n);
    expect(await domain.migrateGetMaxSpeed()).toBe(32n);
    expect(await reasonOf(domain.abortJob())).toMatchObject({ code: "operationInvalid" });
    await removed(domain);
  });
});

describe("host objects", () => {
  it("keeps secrets", async () => {
    const { hypervisor } = contract();
    await using events = await hypervisor.secretEvents();
    const secret = await hypervisor.secretDefineXml(
      `<secret ephemeral='no' private='no'><usage type='ceph'><name>client.one</name></usage></secret>`,
    );
    await secret.setValue(Buffer.from("s3cret"));
    expect(Buffer.from(await secret.getValue()).toString()).toBe("s3cret");
    expect([secret.usageType, secret.usageId]).toEqual(["ceph", "client.one"]);
    expect((await hypervisor.secretLookupByUsage("ceph", "client.one")).uuid).toBe(secret.uuid);
    expect((await hypervisor.listAllSecrets()).map(({ uuid }) => uuid)).toEqual([secret.uuid]);
    expect((await secret.getXmlDesc()).trim()).toBe(virsh("secret-dumpxml", secret.uuid));
    await secret.undefine();
    const kinds = [];
    for await (const event of events) {
      kinds.push(event.kind === "lifecycle" ? event.event : event.kind);
      if (kinds.includes("undefined")) break;
    }
    expect(kinds).toEqual(["defined", "valueChanged", "undefined"]);
  });

  it("lists filters, devices and capabilities as virsh does", async () => {
    const { hypervisor } = contract();
    const filters = (await hypervisor.listAllNwfilters()).map(({ name }) => name).toSorted();
    expect(virsh("nwfilter-list")).toContain(filters[0]);
    const filter = await hypervisor.nwfilterLookupByName("clean-traffic");
    expect((await filter.getXmlDesc()).trim()).toBe(virsh("nwfilter-dumpxml", "clean-traffic"));
    const own = await hypervisor.nwfilterDefineXml("<filter name='own' chain='root'/>");
    expect((await hypervisor.nwfilterLookupByUuid(own.uuid)).name).toBe("own");
    await own.undefine();
    expect(await hypervisor.listAllNwfilterBindings()).toEqual([]);
    const devices = (await hypervisor.listAllNodeDevices()).map(({ name }) => name).toSorted();
    expect(devices).toEqual(virsh("nodedev-list").split("\n").toSorted());
    const options = { arch: "x86_64", machine: "pc", virttype: "qemu" };
    const capabilities = await hypervisor.getDomainCapabilities(options);
    const theirs = virsh(
      "domcapabilities",
      "--arch",
      "x86_64",
      "--machine",
      "pc",
      "--virttype",
      "qemu",
    );
    expect(capabilities.trim()).toBe(theirs);
    expect(await hypervisor.getCpuModelNames("x86_64")).toContain("qemu64");
    expect(await hypervisor.getStoragePoolCapabilities()).toContain("<pool type='dir'");
    const cpu = "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>";
    expect(await hypervisor.baselineHypervisorCpu([cpu], options)).toContain("<model");
    expect(await hypervisor.compareHypervisorCpu(cpu, options)).toMatch(
      /incompatible|identical|superset/,
    );
    const memory = await hypervisor.nodeGetMemoryStats();
    expect(virsh("nodememstats")).toContain(String(memory["total"]));
    expect(await hypervisor.nodeGetCpuStats()).toHaveProperty("idle");
    expect((await hypervisor.nodeGetFreePages([4]))[0]?.pageSizeKiB).toBe(4);
    expect(await hypervisor.nodeGetSecurityModel()).toEqual({ model: "none", doi: "0" });
    expect(await hypervisor.domainXmlToNative("qemu-argv", guestXml("argv"))).toContain("-name");
  });

  it("runs a network whose parts can be changed", async () => {
    const { hypervisor } = contract();
    const network = await hypervisor.networkDefineXml(
      `<network><name>isolated</name><bridge name='virbr7'/><ip address='10.7.0.1' netmask='255.255.255.0'><dhcp><range start='10.7.0.2' end='10.7.0.9'/></dhcp></ip></network>`,
    );
    await network.update(
      {
        command: "addLast",
        section: "ipDhcpHost",
        xml: "<host mac='52:54:00:00:00:01' ip='10.7.0.20'/>",
      },
      { flags: ["config"] },
    );
    expect(virsh("net-dumpxml", "isolated")).toContain("10.7.0.20");
    expect(await reasonOf(network.listAllPorts())).toMatchObject({ code: "operationInvalid" });
    await network.undefine();
  });

  it("makes calls that are newer than some daemons, or says that they are", async () => {
    const { hypervisor } = contract();
    const { number } = await hypervisor.getLibVersion();
    const domain = await hypervisor.domainDefineXml(guestXml("newer"));
    const network = await hypervisor.networkDefineXml("<network><name>newer</name></network>");
    const [device] = await hypervisor.listAllNodeDevices({ flags: ["capSystem"] });
    if (!device) throw new Error("there is always the computer");
    const codeOf = async (call: Promise<unknown>) =>
      ((await reasonOf(call)) as { code?: string } | undefined)?.code ?? "done";
    const since = async (release: number, call: Promise<unknown>, outcome = "done") => {
      expect(await codeOf(call)).toBe(number >= release ? outcome : "rpc");
    };
    await since(9_007_000, network.setMetadata("title", "newer", { flags: ["config"] }));
    await since(9_007_000, network.getMetadata("title", { flags: ["config"] }));
    await since(10_001_000, device.update("<device/>"), "xmlInvalidSchema");
    await since(10_002_000, domain.graphicsReload(), "operationInvalid");
    await since(11_002_000, domain.setAutostartOnce(true));
    await since(11_002_000, domain.getAutostartOnce());
    const slow = { total_iops_sec: 100n };
    await since(11_002_000, domain.setThrottleGroup("slow", slow, { flags: ["config"] }));
    await since(11_002_000, domain.delThrottleGroup("slow", { flags: ["config"] }));
    await domain.undefine();
    await network.undefine();
  });
});
