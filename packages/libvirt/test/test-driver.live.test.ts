/** Against real libvirtd with its test driver: every family that the driver has, and virsh must agree. */
import { describe, expect, it } from "vitest";
import { connect, LibvirtError } from "../src/index.ts";
import { reasonOf, useLibvirtd } from "./contract.ts";

const URI = "test:///default";
const contract = useLibvirtd(URI);
const virsh = (...args: string[]) =>
  contract()
    .daemon.virsh(URI, ...args)
    .trim();
const guestXml = (name: string) =>
  `<domain type='test'><name>${name}</name><memory>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os>
   <devices><disk type='file' device='disk'><source file='/guest.img'/><target dev='vda'/></disk></devices></domain>`;

describe("hypervisor", () => {
  it("says what virsh says of the host", async () => {
    const { hypervisor } = contract();
    const info = await hypervisor.nodeGetInfo();
    const nodeinfo = virsh("nodeinfo");
    expect(nodeinfo).toMatch(new RegExp(`CPU\\(s\\): +${info.cpus}\\n`));
    expect(nodeinfo).toMatch(new RegExp(`Memory size: +${info.memoryKiB} KiB`));
    expect(await hypervisor.getHostname()).toBe(virsh("hostname"));
    expect((await hypervisor.getCapabilities()).trim()).toBe(virsh("capabilities"));
    const { major, minor, release } = await hypervisor.getLibVersion();
    expect(virsh("version", "--daemon")).toContain(`daemon: ${major}.${minor}.${release}`);
    expect(await hypervisor.getType()).toBe("TEST");
    expect(await hypervisor.getUri()).toBe(URI);
    expect(await hypervisor.isSecure()).toBe(true);
    expect(await hypervisor.nodeGetFreeMemory()).toBeGreaterThan(0n);
    expect(await hypervisor.nodeGetCellsFreeMemory()).not.toHaveLength(0);
    expect(await hypervisor.getMaxVcpus()).toBe(Number(virsh("maxvcpus")));
    const { present, online } = await hypervisor.nodeGetCpuMap();
    expect(online.length).toBeLessThanOrEqual(present);
  });

  it("may be watched for its own end", async () => {
    const { hypervisor } = contract();
    const reasons: string[] = [];
    const refused = await reasonOf(hypervisor.registerCloseCallback((why) => reasons.push(why)));
    // The test driver has nothing behind it that could end.
    expect(refused === undefined || refused instanceof LibvirtError).toBe(true);
    await reasonOf(hypervisor.unregisterCloseCallback());
    expect(reasons).toEqual([]);
  });

  it("refuses to change anything on a read-only connection", async () => {
    const { daemon } = contract();
    const target = { socketPath: daemon.socketPath, uri: URI };
    await using readOnly = await connect(target, { readOnly: true });
    const domain = await readOnly.domainLookupByName("test");
    expect(await reasonOf(domain.destroy())).toMatchObject({ code: "operationDenied" });
  });
});

describe("domain", () => {
  it("lives from definition to undefinition, with events in order", async () => {
    const { hypervisor } = contract();
    await using events = await hypervisor.domainEvents(["lifecycle"]);
    const domain = await hypervisor.domainDefineXml(guestXml("life"));
    expect(await domain.getState()).toEqual({ state: "shutoff", reason: "unknown" });
    expect(domain.id).toBe(-1);
    await domain.create();
    expect(domain.id).toBeGreaterThan(0);
    expect(virsh("domid", "life")).toBe(String(domain.id));
    await domain.suspend();
    expect(await domain.getState()).toEqual({ state: "paused", reason: "user" });
    expect(virsh("domstate", "life", "--reason")).toBe("paused (user)");
    await domain.resume();
    await domain.reboot();
    await domain.destroy({ flags: ["graceful"] });
    await domain.undefine();
    const seen: string[] = [];
    for await (const { domain: about, event, detail } of events) {
      if (about.name === "life") seen.push(`${event} ${detail}`);
      if (event === "undefined") break;
    }
    expect(seen).toEqual([
      "defined added",
      "started booted",
      "suspended paused",
      "resumed unpaused",
      ...(seen.length > 6 ? [seen[4]] : []),
      "stopped destroyed",
      "undefined removed",
    ]);
    expect(await reasonOf(domain.getState())).toMatchObject({ code: "noDomain" });
  });

  it("reads the same numbers and XML as virsh", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainLookupByName("test");
    const info = await domain.getInfo();
    const dominfo = virsh("dominfo", "test");
    expect(dominfo).toContain(domain.uuid);
    expect(dominfo).toMatch(new RegExp(`Max memory: +${info.maxMemKiB} KiB`));
    expect(dominfo).toMatch(new RegExp(`CPU\\(s\\): +${info.nrVirtCpu}\\n`));
    expect((await domain.getXmlDesc()).trim()).toBe(virsh("dumpxml", "test"));
    const inactive = await domain.getXmlDesc({ flags: ["inactive"] });
    expect(inactive.trim()).toBe(virsh("dumpxml", "test", "--inactive"));
    expect(await domain.isActive()).toBe(true);
    expect(await domain.isPersistent()).toBe(true);
    expect(await domain.isUpdated()).toBe(false);
    expect(await domain.getOsType()).toBe(virsh("domstate", "test") ? "linux" : "");
    expect((await hypervisor.domainLookupByUuid(domain.uuid)).name).toBe("test");
    expect((await hypervisor.domainLookupById(domain.id)).uuid).toBe(domain.uuid);
    const names = virsh("list", "--all", "--name").split("\n").toSorted();
    const ours = (await hypervisor.listAllDomains()).map(({ name }) => name).toSorted();
    expect(ours).toEqual(names);
  });

  it("keeps metadata, autostart, vCPUs, memory and pinning", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainLookupByName("test");
    const uri = "http://example.org/ns";
    await domain.setMetadata("element", "<owner id='7'/>", { uri, key: "x", flags: ["live"] });
    expect(await domain.getMetadata("element", { uri })).toMatch(/id=.7/);
    expect(virsh("metadata", "test", "--uri", uri)).toMatch(/id=.7/);
    await domain.setMetadata("element", null, { uri, flags: ["live"] });
    const gone = await reasonOf(domain.getMetadata("element", { uri }));
    expect(gone).toMatchObject({ code: "noDomainMetadata" });
    await domain.setAutostart(true);
    expect(await domain.getAutostart()).toBe(true);
    expect(virsh("list", "--name", "--autostart")).toBe("test");
    await domain.setAutostart(false);
    expect(await domain.getVcpusCount({ flags: ["live"] })).toBe(2);
    await domain.setVcpus(1);
    expect((await domain.getVcpus()).map(({ number }) => number)).toEqual([0]);
    await domain.setVcpus(2);
    await domain.pinVcpu(1, [0, 3]);
    expect((await domain.getVcpuPinInfo())[1]).toEqual([0, 3]);
    expect(virsh("vcpupin", "test", "1")).toContain("0,3");
    await domain.setMemory(1_000_000n);
    expect((await domain.getInfo()).memoryKiB).toBe(1_000_000n);
    expect(await domain.getMaxMemory()).toBe(8_388_608n);
  });

  it("gives statistics and tunables as typed values", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainLookupByName("test");
    const [mine] = await hypervisor.getAllDomainStats({ domains: [domain], stats: ["state"] });
    expect(mine?.domain.uuid).toBe(domain.uuid);
    expect({ ...mine?.stats }).toEqual({
      "state.state": 1,
      "state.reason": expect.any(Number) as number,
    });
    const scheduler = await domain.getSchedulerParameters();
    expect(scheduler.weight).toBe(50);
    expect(virsh("schedinfo", "test")).toMatch(/weight +: 50/);
    expect(await domain.memoryStats()).toHaveProperty("actualBalloon");
    expect((await domain.getControlInfo()).state).toBe("ok");
  });

  it("reverts to snapshots and lists them as a tree", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainDefineXml(guestXml("snap"));
    const snapshotXml = (name: string) => `<domainsnapshot><name>${name}</name></domainsnapshot>`;
    await domain.snapshotCreateXml(snapshotXml("root"));
    await domain.create();
    const child = await domain.snapshotCreateXml(snapshotXml("child"));
    expect((await child.getParent()).name).toBe("root");
    const root = await domain.snapshotLookupByName("root");
    expect((await root.listAllChildren()).map(({ name }) => name)).toEqual(["child"]);
    expect((await domain.snapshotCurrent()).name).toBe("child");
    expect(await child.isCurrent()).toBe(true);
    const listed = (await domain.listAllSnapshots({ flags: ["roots"] })).map(({ name }) => name);
    expect(listed).toEqual(["root"]);
    expect(virsh("snapshot-list", "snap", "--name").split("\n").toSorted()).toEqual([
      "child",
      "root",
    ]);
    expect((await root.getXmlDesc()).trim()).toBe(virsh("snapshot-dumpxml", "snap", "root"));
    await root.revert();
    expect((await domain.getState()).state).toBe("shutoff");
    await root.delete({ flags: ["children"] });
    expect(await domain.hasCurrentSnapshot()).toBe(false);
    await domain.undefine();
  });

  it("saves, restores and manages saved images", async () => {
    const { hypervisor } = contract();
    const domain = await hypervisor.domainDefineXml(guestXml("saved"));
    await domain.create();
    await domain.save("/run/saved.img");
    expect((await domain.getState()).reason).toBe("saved");
    await hypervisor.domainRestore("/run/saved.img");
    expect((await domain.getState()).state).toBe("running");
    await domain.managedSave();
    expect(await domain.hasManagedSaveImage()).toBe(true);
    await domain.managedSaveRemove();
    expect(await domain.hasManagedSaveImage()).toBe(false);
    await domain.undefine();
  });

  it("refuses what the driver cannot do by libvirt's own error", async () => {
    const domain = await contract().hypervisor.domainLookupByName("test");
    const refused = await reasonOf(domain.migrateToUri("test+tcp://127.0.0.1/default"));
    expect(refused).toMatchObject({ name: "LibvirtError" });
    expect(await reasonOf(domain.blockCommit("vda"))).toMatchObject({ code: "noSupport" });
    expect(await reasonOf(domain.qemuAgentCommand("{}"))).toMatchObject({ code: "noSupport" });
  });
});

describe("network", () => {
  it("is defined, started, updated and seen by virsh", async () => {
    const { hypervisor } = contract();
    await using events = await hypervisor.networkEvents();
    const xml = `<network><name>n1</name><bridge name='virbr9'/><ip address='10.9.0.1' netmask='255.255.255.0'/></network>`;
    const network = await hypervisor.networkDefineXml(xml);
    await network.create();
    expect(await network.isActive()).toBe(true);
    expect(await network.isPersistent()).toBe(true);
    expect(await network.getBridgeName()).toBe("virbr9");
    expect((await network.getXmlDesc()).trim()).toBe(virsh("net-dumpxml", "n1"));
    expect((await hypervisor.networkLookupByUuid(network.uuid)).name).toBe("n1");
    await network.setAutostart(true);
    expect(await network.getAutostart()).toBe(true);
    const names = (await hypervisor.listAllNetworks()).map(({ name }) => name).toSorted();
    expect(names).toEqual(virsh("net-list", "--all", "--name").split("\n").toSorted());
    await network.update({
      command: "addLast",
      section: "ipDhcpRange",
      parentIndex: 0,
      xml: "<range start='10.9.0.10' end='10.9.0.20'/>",
    });
    expect(virsh("net-dumpxml", "n1")).toContain("10.9.0.20");
    expect(await network.getDhcpLeases().catch(() => [])).toBeInstanceOf(Array);
    await network.destroy();
    await network.undefine();
    const kinds = [];
    for await (const event of events) {
      if (event.kind !== "lifecycle") continue;
      kinds.push(event.event);
      if (event.event === "undefined") break;
    }
    expect(kinds).toEqual(["defined", "started", "stopped", "undefined"]);
  });
});

describe("storage", () => {
  it("has pools and volumes as virsh sees them", async () => {
    const { hypervisor } = contract();
    const pool = await hypervisor.storagePoolDefineXml(
      `<pool type='dir'><name>p1</name><target><path>/run/p1</path></target></pool>`,
    );
    await pool.build();
    await pool.create();
    expect((await pool.getInfo()).state).toBe("running");
    expect((await pool.getXmlDesc()).trim()).toBe(virsh("pool-dumpxml", "p1"));
    const volume = await pool.storageVolCreateXml(
      `<volume><name>v1</name><capacity unit='MiB'>8</capacity></volume>`,
    );
    expect(await volume.getInfo()).toMatchObject({ type: "file", capacity: 8_388_608n });
    expect(await volume.getPath()).toBe(virsh("vol-path", "v1", "--pool", "p1"));
    expect((await pool.listAllVolumes()).map(({ name }) => name)).toEqual(["v1"]);
    expect((await hypervisor.storageVolLookupByKey(volume.key)).name).toBe("v1");
    expect((await hypervisor.storageVolLookupByPath(await volume.getPath())).name).toBe("v1");
    expect((await hypervisor.storagePoolLookupByVolume(volume)).name).toBe("p1");
    await volume.delete();
    const gone = await reasonOf(pool.storageVolLookupByName("v1"));
    expect(gone).toMatchObject({ code: "noStorageVol" });
    await pool.destroy();
    await pool.undefine();
    expect(await reasonOf(hypervisor.storagePoolLookupByName("p1"))).toMatchObject({
      code: "noStoragePool",
    });
  });
});

describe("host", () => {
  it("has interfaces and devices as virsh sees them", async () => {
    const { hypervisor } = contract();
    const interfaces = await hypervisor.listAllInterfaces();
    expect(interfaces.map(({ name }) => name)).toEqual(["eth1"]);
    const [eth1] = interfaces;
    expect((await eth1?.getXmlDesc())?.trim()).toBe(virsh("iface-dumpxml", "eth1"));
    expect(await eth1?.isActive()).toBe(true);
    const devices = await hypervisor.listAllNodeDevices();
    expect(devices.map(({ name }) => name)).toContain("computer");
    const computer = await hypervisor.nodeDeviceLookupByName("computer");
    expect(await computer.getParent()).toBeNull();
    expect(await computer.listCaps()).toContain("system");
    expect((await computer.getXmlDesc()).trim()).toBe(virsh("nodedev-dumpxml", "computer"));
  });

  it("changes interfaces, or takes the change back", async () => {
    const { hypervisor } = contract();
    const xml = `<interface type='ethernet' name='eth7'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:07'/><mtu size='1492'/><protocol family='ipv4'><ip address='192.168.0.7' prefix='24'/></protocol></interface>`;
    await hypervisor.interfaceChangeBegin();
    const made = await hypervisor.interfaceDefineXml(xml);
    expect([made.name, made.mac]).toEqual(["eth7", "aa:bb:cc:dd:ee:07"]);
    await hypervisor.interfaceChangeRollback();
    expect(await reasonOf(hypervisor.interfaceLookupByName("eth7"))).toMatchObject({
      code: "noInterface",
    });
    await hypervisor.interfaceChangeBegin();
    await hypervisor.interfaceDefineXml(xml);
    await hypervisor.interfaceChangeCommit();
    const eth7 = await hypervisor.interfaceLookupByMac("aa:bb:cc:dd:ee:07");
    await eth7.create();
    expect(virsh("iface-list").includes("eth7")).toBe(true);
    await eth7.destroy();
    expect(await eth7.isActive()).toBe(false);
    await eth7.undefine();
    expect(await reasonOf(hypervisor.interfaceLookupByName("eth7"))).toMatchObject({
      code: "noInterface",
    });
  });

  it("has node devices that it refuses to hand out, by libvirt's own error", async () => {
    const { hypervisor } = contract();
    const computer = await hypervisor.nodeDeviceLookupByName("computer");
    const world = { wwnn: "2000000012341234", wwpn: "1000000012341234" };
    const calls = {
      dettach: () => computer.dettach(),
      detachFlags: () => computer.detachFlags("vfio-pci"),
      reAttach: () => computer.reAttach(),
      reset: () => computer.reset(),
      create: () => computer.create(),
      undefine: () => computer.undefine(),
      getAutostart: () => computer.getAutostart(),
      setAutostart: () => computer.setAutostart(true),
      isPersistent: () => computer.isPersistent(),
      isActive: () => computer.isActive(),
      byWwn: () => hypervisor.nodeDeviceLookupScsiHostByWwn(world),
      define: () => hypervisor.nodeDeviceDefineXml("<device/>"),
    };
    const refusals = new Map<string, unknown>();
    for (const [name, call] of Object.entries(calls)) {
      const reason = (await reasonOf(call())) as { code?: string } | undefined;
      // Later releases of the driver answer some of the questions.
      if (reason || !/^(get|is)/.test(name)) refusals.set(name, reason?.code);
    }
    expect(new Set(refusals.values())).toEqual(new Set(["noSupport"]));
  });
});
