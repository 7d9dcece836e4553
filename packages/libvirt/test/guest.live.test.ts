/** Against real libvirtd with QEMU: what managers do with a running guest now and then, one call after the other. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isLibvirtError, type Domain } from "../src/index.ts";
import { useLibvirtd } from "./contract.ts";

const URI = "qemu:///system";
const contract = useLibvirtd(URI);
const virsh = (...args: string[]) =>
  contract()
    .daemon.virsh(URI, ...args)
    .trim();

/** "done", or the code of libvirt's refusal; another error is a failure of the test. */
const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "done",
    (error: unknown) => {
      if (isLibvirtError(error)) return error.code;
      throw error;
    },
  );

const guestXml = (name: string) =>
  `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu><iothreads>1</iothreads>
   <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features><devices>
   <emulator>/usr/bin/qemu-system-x86_64</emulator>
   <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/run/${name}.qcow2'/><target dev='vda' bus='virtio'/></disk>
   <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/run/${name}.raw'/><target dev='vdb' bus='virtio'/></disk>
   <interface type='user'><mac address='52:54:00:00:00:42'/><model type='virtio'/><alias name='ua-net'/></interface>
   <channel type='unix'><target type='virtio' name='org.example.0'/></channel>
   <console type='pty'/><graphics type='vnc' port='-1' autoport='yes'/><video><model type='vga'/></video></devices></domain>`;

async function guest(name: string): Promise<Domain> {
  const { daemon, hypervisor } = contract();
  writeFileSync(`${daemon.root}/run/${name}.raw`, "a raw disk".padEnd(4_194_304));
  daemon.exec("qemu-img", "convert", "-O", "qcow2", `/run/${name}.raw`, `/run/${name}.qcow2`);
  const domain = await hypervisor.domainDefineXml(guestXml(name));
  await domain.create();
  return domain;
}

async function removed(domain: Domain): Promise<void> {
  await outcome(domain.destroy());
  await domain.undefine({ flags: ["managedSave", "snapshotsMetadata", "checkpointsMetadata"] });
}

describe("a running guest", () => {
  it("is tuned: CPUs, I/O threads, memory, statistics", async () => {
    const domain = await guest("tuned");
    expect(await domain.getMaxVcpus()).toBe(2);
    await domain.setVcpu([1], true, { flags: ["config"] });
    expect(virsh("dumpxml", "tuned", "--inactive")).toContain("<vcpu id='1' enabled='yes'");
    await domain.addIothread(2, { flags: ["live"] });
    expect((await domain.getIothreadInfo()).map(({ id }) => id).toSorted()).toEqual([1, 2]);
    await domain.setIothreadParams(2, { poll_max_ns: 40_000n }, { flags: ["live"] });
    await domain.pinIothread(2, [0], { flags: ["live"] });
    await domain.delIothread(2, { flags: ["live"] });
    await domain.pinEmulator([0], { flags: ["live"] });
    expect(await domain.getEmulatorPinInfo()).toEqual([0]);
    await domain.setMemoryStatsPeriod(2);
    expect(virsh("dumpxml", "tuned")).toContain("<stats period='2'/>");
    await domain.setLifecycleAction("reboot", "destroy");
    expect(virsh("dumpxml", "tuned")).toContain("<on_reboot>destroy</on_reboot>");
    expect(await domain.getNumaParameters()).toMatchObject({ numa_mode: 0 });
    expect(await domain.getPerfEvents()).toMatchObject({ cpu_cycles: false });
    await domain.startDirtyRateCalc(1);
    expect(await domain.getInterfaceParameters("52:54:00:00:00:42")).toHaveProperty(
      "inbound.average",
    );
    const bandwidth = { "inbound.average": 1000 };
    const config = { flags: ["config"] } as const;
    await domain.setSchedulerParameters({ cpu_shares: 512n }, config);
    await domain.setMemoryParameters({ hard_limit: 1_000_000n }, config);
    await domain.setBlkioParameters({ weight: 500 }, config);
    await domain.setNumaParameters({ numa_nodeset: "0" }, config);
    await domain.setPerfEvents({ cpu_clock: false }, config);
    expect(await domain.getMemoryParameters(config)).toMatchObject({ hard_limit: 1_000_000n });
    expect(await domain.getBlkioParameters(config)).toMatchObject({ weight: 500 });
    const xml = virsh("dumpxml", "tuned", "--inactive");
    for (const element of ["<shares>512<", "<hard_limit", "<weight>500<", "nodeset='0'"]) {
      expect(xml).toContain(element);
    }
    expect(await domain.getSecurityLabelList()).toBeInstanceOf(Array);
    expect({ ...(await domain.getLaunchSecurityInfo()) }).toEqual({});
    expect({
      // This daemon has no control groups.
      cpuStats: await outcome(domain.getCpuStats()),
      bandwidth: await outcome(domain.setInterfaceParameters("52:54:00:00:00:42", bandwidth)),
      setSev: await outcome(domain.setLaunchSecurityState({ "sev-secret": "c2VjcmV0" })),
      maxMemory: await outcome(domain.setMaxMemory(70_000n)),
    }).toEqual({
      cpuStats: "operationInvalid",
      bandwidth: "configUnsupported",
      setSev: "operationUnsupported",
      maxMemory: "operationInvalid",
    });
    await removed(domain);
  });

  it("is looked into and poked", async () => {
    const domain = await guest("poked");
    const { daemon } = contract();
    const peeked = await domain.blockPeek("vdb", { offset: 2n, size: 3 });
    expect(Buffer.from(peeked).toString()).toBe("raw");
    // The firmware puts itself there once it runs.
    const firmware = () =>
      domain.memoryPeek({ offset: 0xffff0n, size: 16 }, { flags: ["physical"] });
    expect(await firmware()).toHaveLength(16);
    const isThere = async () => (await firmware()).some((byte) => byte !== 0);
    await expect.poll(isThere, { timeout: 30_000 }).toBe(true);
    expect(await domain.getDiskErrors()).toEqual([]);
    await domain.injectNmi();
    await domain.reset();
    await domain.shutdown({ flags: ["acpiPowerBtn"] });
    expect(await domain.getMessages()).toBeInstanceOf(Array);
    const channel = await domain.openChannel({ name: "org.example.0", flags: ["force"] });
    channel.on("error", () => undefined).destroy();
    await domain.coreDump("/run/core", { flags: ["memoryOnly"] });
    expect(readFileSync(daemon.outside("/run/core")).subarray(0, 4).toString("latin1")).toBe(
      "\x7fELF",
    );
    expect({
      graphicsReload: await outcome(domain.graphicsReload()),
      pmWakeup: await outcome(domain.pmWakeup()),
      pmSuspend: await outcome(domain.pmSuspendForDuration("mem", 0n)),
      signal: await outcome(domain.sendProcessSignal(1n, "term")),
      agentTimeout: await outcome(domain.agentSetResponseTimeout(5)),
      guestVcpus: await outcome(domain.getGuestVcpus()),
      setGuestVcpus: await outcome(domain.setGuestVcpus([0], true)),
      sshKeys: await outcome(
        domain.authorizedSshKeysSet({ user: "root", keys: ["ssh-ed25519 AAAA"] }),
      ),
      interface: await outcome(domain.interfaceStats("52:54:00:00:00:42")),
      backup: await outcome(domain.backupGetXmlDesc()),
    }).toEqual({
      // Since 10.2.0.
      graphicsReload: "rpc",
      pmWakeup: "internalError",
      pmSuspend: "argumentUnsupported",
      signal: "noSupport",
      agentTimeout: "done",
      guestVcpus: "argumentUnsupported",
      setGuestVcpus: "argumentUnsupported",
      sshKeys: "argumentUnsupported",
      // There is no host interface behind a user network.
      interface: "internalError",
      backup: "noDomainBackup",
    });
    await removed(domain);
  });

  it("has devices changed and taken away by their names", async () => {
    const domain = await guest("changed");
    const link = `<interface type='user'><mac address='52:54:00:00:00:42'/><model type='virtio'/><link state='down'/><alias name='ua-net'/></interface>`;
    await domain.updateDevice(link, { flags: ["config"] });
    expect(virsh("dumpxml", "changed", "--inactive")).toContain("<link state='down'/>");
    await domain.detachDeviceAlias("ua-net", { flags: ["live"] });
    const disk =
      /<disk[^]*?<\/disk>/.exec(await domain.getXmlDesc({ flags: ["inactive"] }))?.[0] ?? "";
    await domain.detachDevice(disk, { flags: ["config"] });
    expect(virsh("dumpxml", "changed", "--inactive")).not.toContain("changed.qcow2");
    await removed(domain);
  });

  it("has its disk pulled, rebased and its job slowed down", async () => {
    const domain = await guest("pulled");
    const overlay = `<domainsnapshot><disks><disk name='vda'><source file='/run/pulled-2.qcow2'/></disk></disks></domainsnapshot>`;
    await domain.snapshotCreateXml(overlay, { flags: ["diskOnly", "noMetadata", "atomic"] });
    await domain.blockPull("vda", { bandwidth: 1n });
    expect((await domain.getBlockJobInfo("vda"))?.type).toBe("pull");
    await domain.blockJobSetSpeed("vda", 0n);
    await expect.poll(() => domain.getBlockJobInfo("vda")).toBeNull();
    await domain.blockRebase("vda");
    await expect.poll(() => domain.getBlockJobInfo("vda")).toBeNull();
    expect(virsh("domblklist", "pulled")).toContain("pulled-2.qcow2");
    await removed(domain);
  });

  it("is saved by parameters, its image described anew", async () => {
    const { hypervisor } = contract();
    const domain = await guest("kept");
    await domain.managedSave();
    const xml = await domain.managedSaveGetXmlDesc({ flags: ["secure"] });
    await domain.managedSaveDefineXml(xml);
    await domain.create();
    await domain.save("/run/kept.image");
    const image = await hypervisor.domainSaveImageGetXmlDesc("/run/kept.image", {
      flags: ["secure"],
    });
    await hypervisor.domainSaveImageDefineXml("/run/kept.image", image);
    await hypervisor.domainRestoreParams({ file: "/run/kept.image" });
    expect((await domain.getState()).state).toBe("running");
    await domain.saveParams({ file: "/run/kept.image" });
    expect((await domain.getState()).state).toBe("shutoff");
    await domain.rename("kept-2");
    expect([domain.name, virsh("domname", domain.uuid)]).toEqual(["kept-2", "kept-2"]);
    await removed(domain);
  });

  it("may be transient, and has limits for its migration", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainCreateXml(
      guestXml("brief").replace(/<disk[^]*?<\/disk>/g, ""),
      { flags: ["paused"] },
    );
    expect((await domain.getState()).state).toBe("paused");
    await domain.migrateSetCompressionCache(67_108_864n);
    expect(await domain.migrateGetCompressionCache()).toBe(67_108_864n);
    expect(await outcome(domain.migrateStartPostCopy())).toBe("operationInvalid");
    await domain.destroy();
    expect(await outcome(domain.getState())).toBe("noDomain");
    const bound = guestXml("bound").replace(/<disk[^]*?<\/disk>/g, "");
    await hypervisor.domainCreateXml(bound, { flags: ["paused", "autodestroy"] });
    expect(virsh("list", "--name")).toContain("bound");
  });
});

describe("a host with QEMU", () => {
  it("answers what is asked now and then", async () => {
    const { hypervisor } = contract();
    const cpu = "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>";
    expect((await hypervisor.getVersion()).major).toBeGreaterThan(5);
    expect(await hypervisor.compareCpu(cpu)).toMatch(/incompatible|identical|superset/);
    expect(await hypervisor.baselineCpu([cpu])).toContain("<model");
    // As they are: they belong to the machine.
    const { shm_merge_across_nodes } = await hypervisor.nodeGetMemoryParameters();
    await hypervisor.nodeSetMemoryParameters({ shm_merge_across_nodes });
    // Shorter than libvirt allows, so that nothing sleeps.
    const nap = hypervisor.nodeSuspendForDuration("mem", 1n);
    expect(await outcome(nap)).toMatch(/argumentUnsupported|invalidArg/);
    // Not every host has SMBIOS tables.
    expect(await outcome(hypervisor.getSysinfo())).toMatch(/done|configUnsupported/);
    expect({
      pages: await outcome(hypervisor.nodeAllocPages([{ pageSizeKiB: 3, count: 1n }])),
      sev: await outcome(hypervisor.nodeGetSevInfo()),
      fromNative: await outcome(hypervisor.domainXmlFromNative("qemu-argv", "qemu -m 1")),
      sources: await outcome(
        hypervisor.findStoragePoolSources("netfs", "<source><host name=''/></source>"),
      ),
    }).toEqual({
      fromNative: "noSupport",
      pages: "operationFailed",
      sev: "operationUnsupported",
      sources: "operationFailed",
    });
  });

  it("has pools and volumes with all that belongs to them", async () => {
    const { daemon, hypervisor } = contract();
    const pool = await hypervisor.storagePoolCreateXml(
      `<pool type='dir'><name>brief</name><target><path>/run/brief</path></target></pool>`,
      { flags: ["withBuild"] },
    );
    expect([await pool.isActive(), await pool.isPersistent()]).toEqual([true, false]);
    expect((await hypervisor.storagePoolLookupByUuid(pool.uuid)).name).toBe("brief");
    expect((await hypervisor.storagePoolLookupByTargetPath("/run/brief")).name).toBe("brief");
    const xml = (name: string) =>
      `<volume><name>${name}</name><capacity unit='KiB'>64</capacity></volume>`;
    const volume = await pool.storageVolCreateXml(xml("one"));
    expect((await volume.getXmlDesc()).trim()).toBe(virsh("vol-dumpxml", "one", "--pool", "brief"));
    const upload = await volume.upload();
    upload.end(Buffer.alloc(65_536, "x"));
    await new Promise((resolve) => upload.on("finish", resolve));
    const copy = await pool.storageVolCreateXmlFrom(xml("two"), volume);
    expect(readFileSync(`${daemon.root}/run/brief/two`, "latin1")).toBe("x".repeat(65_536));
    const memory = Buffer.alloc(100_000);
    const download = await copy.download();
    let size = 0;
    for (let got = 1; got > 0; size += got) got = await download.recv(memory.subarray(size));
    download.end();
    expect(memory.subarray(0, size).toString("latin1")).toBe("x".repeat(65_536));
    const sparse = await copy.downloadSparse();
    expect(await sparse.recv(memory)).toBeGreaterThan(0);
    sparse.abort(new Error("that is enough"));
    await copy.wipe();
    expect(readFileSync(`${daemon.root}/run/brief/two`).some((byte) => byte !== 0)).toBe(false);
    expect(await outcome(copy.wipePattern("zero"))).toBe("done");
    await volume.delete();
    await copy.delete();
    await pool.destroy();
    const kept = await hypervisor.storagePoolDefineXml(
      `<pool type='dir'><name>kept</name><target><path>/run/brief</path></target></pool>`,
    );
    await kept.setAutostart(true);
    expect(await kept.getAutostart()).toBe(true);
    await kept.delete();
    await kept.undefine();
  });

  it("has networks with ports, and secrets found by UUID", async () => {
    const { hypervisor } = contract();
    const network = await hypervisor.networkCreateXml(
      `<network><name>ports</name><forward mode='bridge'/><bridge name='nobridge'/></network>`,
    );
    expect((await hypervisor.networkLookupByName("ports")).uuid).toBe(network.uuid);
    const owner = "6f1d0f5e-0000-4000-8000-000000000010";
    const port = await network.portCreateXml(
      `<networkport><uuid>6f1d0f5e-0000-4000-8000-000000000011</uuid><owner><uuid>${owner}</uuid><name>g</name></owner><mac address='52:54:00:00:00:11'/></networkport>`,
    );
    expect(port.uuid).toBe("6f1d0f5e-0000-4000-8000-000000000011");
    expect((await network.listAllPorts()).map(({ uuid }) => uuid)).toEqual([port.uuid]);
    expect(await (await network.portLookupByUuid(port.uuid)).getXmlDesc()).toContain(owner);
    expect(await port.getParameters()).toBeTypeOf("object");
    expect(await outcome(port.setParameters({ "inbound.average": 1000 }))).toBe("done");
    await port.delete();
    await network.destroy();
    expect(await outcome(network.getMetadata("title"))).toMatch(/noNetwork|noSupport|rpc/);
    expect(await outcome(network.setMetadata("title", "t"))).toMatch(/noNetwork|noSupport|rpc/);
    const secret = await hypervisor.secretDefineXml("<secret ephemeral='yes' private='yes'/>");
    expect((await hypervisor.secretLookupByUuid(secret.uuid)).usageType).toBe("none");
    expect(await outcome(secret.getValue())).toBe("invalidSecret");
    await secret.undefine();
  });
});
