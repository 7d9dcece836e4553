/**
 * What is said to make each golden file, a family of calls each. Strictly one call after the other, so that the bytes
 * repeat: every UUID and MAC address is named, and what the daemon makes up by chance is not looked at.
 */
import { isLibvirtError, type Hypervisor } from "../src/index.ts";

export interface GoldenScript {
  readonly uri: string;
  readonly say: (hypervisor: Hypervisor) => Promise<unknown>;
}

const TEST = "test:///default";
const QEMU = "qemu:///system";

const uuid = (n: number) => `6f1d0f5e-0000-4000-8000-${String(n).padStart(12, "0")}`;

const testGuest = (name: string, n: number) =>
  `<domain type='test'><name>${name}</name><uuid>${uuid(n)}</uuid><memory unit='KiB'>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>`;

const names = async (list: Promise<readonly { readonly name: string }[]>) =>
  (await list).map(({ name }) => name);

/** The code of the refusal; an answer is none. */
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => "answered",
    (error: unknown) => (isLibvirtError(error) ? error.code : String(error)),
  );

async function firstOf<T>(events: AsyncIterator<T>, count: number): Promise<readonly T[]> {
  const seen: T[] = [];
  while (seen.length < count) {
    const next = await events.next();
    if (next.done) break;
    seen.push(next.value);
  }
  return seen;
}

async function domain(hypervisor: Hypervisor): Promise<unknown> {
  const events = await hypervisor.domainEvents(["lifecycle", "reboot"]);
  const info = await hypervisor.nodeGetInfo();
  const [guest] = await hypervisor.listAllDomains();
  if (!guest) throw new Error("the test driver has a domain");
  const state = await guest.getState();
  const xml = await guest.getXmlDesc();
  await guest.suspend();
  await guest.resume();
  const seen = (await firstOf(events, 2)).map(({ kind }) => kind);
  const stats = await hypervisor.getAllDomainStats({ stats: ["state"] });
  const missing = await hypervisor.domainLookupByName("nobody").catch((error: unknown) => error);
  const vcpus = await guest.getVcpus();
  const scheduler = await guest.getSchedulerParameters();
  await events.close();
  const shown = stats.map(({ domain: { name }, stats: values }) => [name, { ...values }]);
  return { info, state, xml, seen, stats: shown, missing: String(missing), vcpus, scheduler };
}

async function objects(hypervisor: Hypervisor): Promise<unknown> {
  const [network] = await hypervisor.listAllNetworks();
  const [pool] = await hypervisor.listAllStoragePools();
  return {
    networks: await names(hypervisor.listAllNetworks()),
    networkXml: await network?.getXmlDesc(),
    bridge: await network?.getBridgeName(),
    pool: await pool?.getInfo(),
    poolXml: await pool?.getXmlDesc(),
    interfaces: await names(hypervisor.listAllInterfaces()),
    version: await hypervisor.getLibVersion(),
    free: await hypervisor.nodeGetCellsFreeMemory(),
  };
}

/** From definition to undefinition. */
async function lifecycle(hypervisor: Hypervisor): Promise<unknown> {
  const events = await hypervisor.domainEvents(["lifecycle", "metadataChange"]);
  const guest = await hypervisor.domainDefineXml(testGuest("golden", 1));
  await guest.setAutostart(true);
  await guest.create();
  const running = await guest.getInfo();
  await guest.setMetadata("description", "a golden guest");
  await guest.suspend();
  const paused = await guest.getState();
  await guest.resume();
  await guest.setVcpus(1, { flags: ["live"] }).catch((error: unknown) => error);
  const maximum = await guest.getMaxMemory();
  await guest.destroy();
  const autostart = await guest.getAutostart();
  await guest.undefine();
  const seen = await firstOf(events, 6);
  await events.close();
  return {
    running: { ...running, cpuTimeNs: 0n },
    paused,
    maximum,
    autostart,
    seen: seen.map((event) => ({ ...event, domain: event.domain.name })),
    gone: await refusal(guest.getState()),
  };
}

async function snapshots(hypervisor: Hypervisor): Promise<unknown> {
  const guest = await hypervisor.domainDefineXml(testGuest("golden", 2));
  const xml = (name: string) =>
    `<domainsnapshot><name>${name}</name><creationTime>1700000000</creationTime></domainsnapshot>`;
  const root = await guest.snapshotCreateXml(xml("root"));
  const child = await guest.snapshotCreateXml(xml("child"));
  const tree = {
    all: await names(guest.listAllSnapshots()),
    below: await names(root.listAllChildren()),
    parent: (await child.getParent()).name,
    current: (await guest.snapshotCurrent()).name,
    isCurrent: await child.isCurrent(),
    hasMetadata: await root.hasMetadata(),
    orphan: await refusal(root.getParent()),
  };
  await root.revert();
  const described = await root.getXmlDesc();
  await root.delete({ flags: ["children"] });
  const left = await guest.hasCurrentSnapshot();
  await guest.undefine();
  return { tree, isDescribed: described.includes("<name>root</name>"), left };
}

async function checkpoints(hypervisor: Hypervisor): Promise<unknown> {
  const disk = `<devices><disk type='file' device='disk'><driver type='qcow2'/><source file='/golden.qcow2'/><target dev='vda' bus='virtio'/></disk></devices>`;
  const guest = await hypervisor.domainDefineXml(
    testGuest("golden", 9).replace("</domain>", `${disk}</domain>`),
  );
  const xml = (name: string) =>
    `<domaincheckpoint><name>${name}</name><creationTime>1700000000</creationTime><disks><disk name='vda'/></disks></domaincheckpoint>`;
  const early = await refusal(guest.checkpointCreateXml(xml("early")));
  await guest.create();
  const first = await guest.checkpointCreateXml(xml("first"));
  const second = await guest.checkpointCreateXml(xml("second"));
  const tree = {
    all: await names(guest.listAllCheckpoints()),
    below: await names(first.listAllChildren()),
    parent: (await second.getParent()).name,
    orphan: await refusal(first.getParent()),
  };
  const described = await second.getXmlDesc({ flags: ["noDomain"] });
  await first.delete({ flags: ["children"] });
  const missing = await refusal(guest.checkpointLookupByName("second"));
  await guest.destroy();
  await guest.undefine();
  return { early, tree, isDescribed: described.includes("<name>second</name>"), missing };
}

async function networks(hypervisor: Hypervisor): Promise<unknown> {
  const events = await hypervisor.networkEvents();
  const network = await hypervisor.networkDefineXml(
    `<network><name>golden</name><uuid>${uuid(3)}</uuid><bridge name='virbr9'/><mac address='52:54:00:00:00:03'/><ip address='10.9.0.1' netmask='255.255.255.0'/></network>`,
  );
  await network.create();
  await network.update({
    command: "addLast",
    section: "ipDhcpRange",
    parentIndex: 0,
    xml: "<range start='10.9.0.10' end='10.9.0.20'/>",
  });
  const running = {
    xml: await network.getXmlDesc(),
    active: await network.isActive(),
    persistent: await network.isPersistent(),
    bridge: await network.getBridgeName(),
    all: (await names(hypervisor.listAllNetworks())).toSorted(),
    leases: await refusal(network.getDhcpLeases()),
    ports: await refusal(network.listAllPorts()),
  };
  await network.setAutostart(true);
  const autostart = await network.getAutostart();
  await network.destroy();
  await network.undefine();
  const seen = await firstOf(events, 4);
  await events.close();
  return {
    ...running,
    autostart,
    seen: seen.map((event) => ({ ...event, network: event.network.name })),
  };
}

/** The test driver's devices: a computer and a Fibre Channel card that makes virtual ports. */
async function nodeDevices(hypervisor: Hypervisor): Promise<unknown> {
  const events = await hypervisor.nodeDeviceEvents();
  const computer = await hypervisor.nodeDeviceLookupByName("computer");
  const all = await names(hypervisor.listAllNodeDevices());
  const cards = await names(hypervisor.listAllNodeDevices({ flags: ["capVports"] }));
  const port = await hypervisor.nodeDeviceCreateXml(
    `<device><parent>${cards[0] ?? ""}</parent><capability type='scsi_host'><capability type='fc_host'><wwnn>1000000023452345</wwnn><wwpn>1000000123452345</wwpn></capability></capability></device>`,
  );
  const made = {
    name: port.name,
    parent: await port.getParent(),
    caps: await port.listCaps(),
    xml: await port.getXmlDesc(),
  };
  await port.destroy();
  const seen = await firstOf(events, 2);
  await events.close();
  return {
    all,
    cards,
    parent: await computer.getParent(),
    caps: await computer.listCaps(),
    made,
    seen: seen.map((event) => ({ ...event, device: event.device.name })),
    missing: await refusal(hypervisor.nodeDeviceLookupByName("nothing")),
  };
}

/** What the test driver answers in place of an agent in the guest, and what it refuses. */
async function agent(hypervisor: Hypervisor): Promise<unknown> {
  const guest = await hypervisor.domainLookupByName("test");
  return {
    time: await guest.getTime(),
    setTime: await refusal(guest.setTime({ seconds: 1_700_000_000n, nanoseconds: 0 })),
    frozen: await guest.fsFreeze(["/"]),
    thawed: await guest.fsThaw(["/"]),
    trimmed: await refusal(guest.fsTrim()),
    filesystems: await guest.getFsInfo(),
    hostname: await guest.getHostname(),
    password: await refusal(guest.setUserPassword({ user: "root", password: "secret" })),
    addresses: await guest.interfaceAddresses({ source: "agent" }),
    information: await refusal(guest.getGuestInfo()),
    command: await refusal(guest.qemuAgentCommand(`{"execute":"guest-ping"}`)),
    keys: await refusal(guest.authorizedSshKeysGet("root")),
  };
}

/** A volume with its streams, plain and sparse. */
async function volume(hypervisor: Hypervisor): Promise<unknown> {
  const events = await hypervisor.storagePoolEvents();
  const pool = await hypervisor.storagePoolDefineXml(
    `<pool type='dir'><name>golden</name><uuid>${uuid(4)}</uuid><target><path>/run/golden</path></target></pool>`,
  );
  await pool.build();
  await pool.create();
  const image = await pool.storageVolCreateXml(
    `<volume><name>v.raw</name><capacity unit='bytes'>8192</capacity></volume>`,
  );
  const upload = await image.upload();
  const uploaded = new Promise((resolve, reject) =>
    upload.on("finish", resolve).on("error", reject),
  );
  upload.end(Buffer.alloc(2_000, "golden"));
  await uploaded;
  const part = await image.download({ offset: 6n, length: 12n });
  const read = Buffer.concat((await part.toArray()) as Buffer[]).toString();
  const sparse = await image.uploadSparse();
  await sparse.write(Buffer.from("head"));
  await sparse.writeHole(8_184n);
  await sparse.write(Buffer.from("tail"));
  await sparse.finish();
  const holes: unknown[] = [];
  const down = await image.downloadSparse();
  for (let item = await down.read(); item; item = await down.read()) {
    holes.push(item.kind === "data" ? item.data.length : item.bytes);
  }
  await down.finish();
  await image.resize(16_384n);
  const { type, capacity } = await image.getInfo();
  const all = await names(pool.listAllVolumes());
  await image.delete();
  const missing = await refusal(image.download());
  await pool.refresh();
  await pool.destroy();
  await pool.undefine();
  const seen = await firstOf(events, 5);
  await events.close();
  return { read, holes, type, capacity, all, missing, seen: seen.map(({ kind }) => kind) };
}

async function secrets(hypervisor: Hypervisor): Promise<unknown> {
  const events = await hypervisor.secretEvents();
  const secret = await hypervisor.secretDefineXml(
    `<secret ephemeral='no' private='no'><uuid>${uuid(5)}</uuid><usage type='ceph'><name>client.golden</name></usage></secret>`,
  );
  await secret.setValue(Buffer.from("no secret at all"));
  const value = Buffer.from(await secret.getValue()).toString();
  const found = await hypervisor.secretLookupByUsage("ceph", "client.golden");
  const xml = await secret.getXmlDesc();
  const all = (await hypervisor.listAllSecrets()).map((each) => each.usageId);
  await secret.undefine();
  const seen = await firstOf(events, 3);
  await events.close();
  const kinds = seen.map((event) => (event.kind === "lifecycle" ? event.event : event.kind));
  return { value, found: found.uuid, xml, all, kinds, gone: await refusal(secret.getValue()) };
}

async function filters(hypervisor: Hypervisor): Promise<unknown> {
  const own = await hypervisor.nwfilterDefineXml(
    `<filter name='golden' chain='root'><uuid>${uuid(6)}</uuid><rule action='drop' direction='in' priority='500'><tcp dstportstart='25'/></rule></filter>`,
  );
  const xml = await own.getXmlDesc();
  const found = await hypervisor.nwfilterLookupByName("golden");
  const all = await names(hypervisor.listAllNwfilters());
  const binding = `<filterbinding><owner><name>g</name><uuid>${uuid(7)}</uuid></owner><portdev name='nothere'/><mac address='52:54:00:00:00:07'/><filterref filter='golden'/></filterbinding>`;
  const bound = await hypervisor.nwfilterBindingCreateXml(binding);
  const bindings = (await hypervisor.listAllNwfilterBindings()).map(
    ({ portDev, filterName }) => `${portDev} ${filterName}`,
  );
  const boundXml = await bound.getXmlDesc();
  await bound.delete();
  const missing = await refusal(hypervisor.nwfilterBindingLookupByPortDev("nothere"));
  await own.undefine();
  return { xml, found: found.uuid, isListed: all.includes("golden"), boundXml, bindings, missing };
}

/** A guest of QEMU's, and what it refuses without an agent. */
async function qemuDomain(hypervisor: Hypervisor): Promise<unknown> {
  const events = await hypervisor.domainEvents(["lifecycle"]);
  const guest = await hypervisor.domainDefineXml(
    `<domain type='qemu'><name>golden</name><uuid>${uuid(8)}</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>`,
  );
  await guest.create();
  const { state, maxMemKiB, nrVirtCpu } = await guest.getInfo();
  const balloon = await guest.memoryStats();
  const job = await guest.getJobInfo();
  const [stats] = await hypervisor.getAllDomainStats({ stats: ["state", "balloon", "vcpu"] });
  const agentless = await refusal(guest.qemuAgentCommand(`{"execute":"guest-ping"}`));
  const noDisk = await refusal(guest.blockCommit("vda"));
  const status = await guest.qemuMonitorCommand(`{"execute":"query-status"}`);
  await guest.suspend();
  await guest.resume();
  await guest.destroy();
  await guest.undefine();
  const seen = await firstOf(events, 7);
  await events.close();
  return {
    state,
    maxMemKiB,
    nrVirtCpu,
    hasRss: balloon["rss"] !== undefined,
    job: job.type,
    statistics: Object.keys(stats?.stats ?? {}).length > 5,
    agentless,
    noDisk,
    isRunning: status.includes(`"status":"running"`),
    seen: seen.map((event) => `${event.event} ${event.detail}`),
  };
}

export const scripts: Readonly<Record<string, GoldenScript>> = {
  "test-domain": { uri: TEST, say: domain },
  "test-objects": { uri: TEST, say: objects },
  "test-lifecycle": { uri: TEST, say: lifecycle },
  "test-snapshots": { uri: TEST, say: snapshots },
  "test-checkpoints": { uri: TEST, say: checkpoints },
  "test-networks": { uri: TEST, say: networks },
  "test-node-devices": { uri: TEST, say: nodeDevices },
  "test-agent": { uri: TEST, say: agent },
  "qemu-volume": { uri: QEMU, say: volume },
  "qemu-secrets": { uri: QEMU, say: secrets },
  "qemu-filters": { uri: QEMU, say: filters },
  "qemu-domain": { uri: QEMU, say: qemuDomain },
};
