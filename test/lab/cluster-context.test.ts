/**
 * Guests on real QEMU are told about themselves and tell what became of it: seeds of two forms, both stages, a failure
 * with its log, kill -9 of everything and a live migration in the middle of a first boot.
 */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";

interface Shown {
  readonly state: string;
  readonly seedPresent: boolean;
  readonly stages: readonly { readonly stage: string; readonly state: string }[];
}

const stagesOf = ({ stages }: Shown): readonly string[] =>
  stages.map(({ stage, state }) => `${stage} ${state}`);

const allStages = ["individual running", "individual done", "central running", "central done"];

describe("contexts on real guests", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({ hosts: 2, directory: "/tmp/muster-context" });
    const made = await cluster.muster.muster([
      ...["network", "create", "blue", "--vlan", "10"],
      ...["--subnet", "10.10.0.0/24,gateway=10.10.0.1,range=10.10.0.50-10.10.0.60"],
    ]);
    if (made.exitCode !== 0) throw new Error(made.stderr);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  async function create(name: string, context: object, ...words: readonly string[]) {
    const file = join(cluster.lab.directory, `${name}.json`);
    await writeFile(file, JSON.stringify(context));
    return cluster.muster.muster([
      ...["vm", "create", name, "--memory", "128M", "--disk", "storage=shared,size=64M"],
      ...["--kernel", "/srv/shared/guest/vmlinuz", "--initrd", "/srv/shared/guest/initrd.gz"],
      ...["--cmdline", "console=ttyS0 quiet", "--network", "blue", "--host", "h1"],
      ...["--context", file, ...words],
    ]);
  }

  const shown = (name: string): Promise<Shown> =>
    cluster.muster.json<Shown>(["vm", "context", "show", name]);

  const console = (host: string, name: string): Promise<string> => cluster.lab.console(host, name);

  const seeds = async (): Promise<readonly string[]> =>
    (await readdir(join(cluster.lab.directory, "shared"), { recursive: true })).filter((file) =>
      file.endsWith("-seed.iso"),
    );

  it("a guest reads its NoCloud seed, is configured, and its seed is removed", async () => {
    const created = await create(
      "told-1",
      {
        hostname: "told-1.example.org",
        values: { TOKEN: 'it\'s $HOME "quoted" `here`' },
        commands: ['printf "SAW %s at %s\\n" "$TOKEN" "$(hostname)" >/dev/console'],
        policies: [{ command: "echo CENTRAL >/dev/console" }],
        afterFirstBoot: "remove",
      },
      ...["--wait", "configured", "--wait-timeout", "120s"],
    );
    expect(created.exitCode, created.stderr).toBe(0);
    expect(created.stderr).toContain("first boot of told-1: central settings done");
    const log = await console("h1", "told-1");
    expect(log).toContain('SAW it\'s $HOME "quoted" `here` at told-1.example.org');
    expect(log).toContain("CENTRAL");
    expect(log).toMatch(/GUEST-UP name=told-1\.example\.org addr=10\.10\.0\.5\d\/24/);
    await cluster.muster.eventually(
      30_000,
      async () => !(await shown("told-1")).seedPresent,
      "the seed is gone",
    );
    expect(stagesOf(await shown("told-1"))).toStrictEqual(allStages);
    expect(await seeds()).toStrictEqual([]);
    const disks = await cluster.lab.virsh("h1", ["domblklist", "told-1"]);
    expect(disks).toMatch(/sda\s+-/);
    const kept = await cluster.lab.virsh("h1", ["domblklist", "told-1", "--inactive"]);
    expect(kept).toMatch(/sda\s+-/);
  });

  it("a guest reads its StratusLab disk, and a failing stage is named with its log", async () => {
    const created = await create(
      "told-2",
      {
        format: "stratuslab",
        hostname: "told-2",
        sshKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9 alice"],
        files: [{ path: "/etc/deep/er/motd", content: "hello\n", mode: "0640" }],
        values: { TOKEN: "hunter2hunter2" },
        commands: [
          "echo FILE $(cat /etc/deep/er/motd) $(stat -c %a /etc/deep/er/motd) >/dev/console",
          "echo KEYS $(cat /root/.ssh/authorized_keys) >/dev/console",
          'echo "no such thing, $TOKEN"; exit 7',
        ],
        policies: [{ command: "echo NEVER >/dev/console" }],
      },
      ...["--wait", "configured", "--wait-timeout", "120s"],
    );
    expect(created.exitCode, created.stderr).toBe(6);
    expect(created.stderr).toContain("individual settings failed with exit code 7");
    expect(created.stderr).toContain("no such thing, (secret)");
    expect(created.stderr).not.toContain("hunter2");
    const log = await console("h1", "told-2");
    expect(log).toContain("FILE hello 640");
    expect(log).toContain("KEYS ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9 alice");
    expect(log).not.toContain("NEVER");
    expect(await seeds()).toHaveLength(1);
    const removed = await cluster.muster.muster(["vm", "rm", "--force", "told-2"]);
    expect(removed.exitCode, removed.stderr).toBe(0);
    expect(await seeds()).toStrictEqual([]);
  });

  it("a first boot survives kill -9 of coordinator and agent, and a live migration", async () => {
    const created = await create("told-3", {
      commands: ["sleep 12"],
      policies: [{ command: "sleep 2" }],
    });
    expect(created.exitCode, created.stderr).toBe(0);
    await cluster.muster.eventually(
      90_000,
      async () => (await shown("told-3")).state === "configuring",
      "a first report",
    );
    await cluster.killAgent("h1");
    await cluster.killCoordinator();
    await cluster.muster.startCoordinator();
    await cluster.muster.startAgent("h1");
    await cluster.muster.waitForHosts(15_000);
    await cluster.succeeded(await cluster.migrateVm("told-3", { host: "h2" }));
    expect(await cluster.sightings("told-3")).toEqual(["h2 running"]);
    await cluster.muster.eventually(
      90_000,
      async () => (await shown("told-3")).state === "configured",
      "the guest is configured",
    );
    expect(stagesOf(await shown("told-3"))).toStrictEqual(allStages);
    const disks = await cluster.lab.virsh("h2", ["domblklist", "told-3"]);
    expect(disks).toMatch(/sda\s+\S+seed\.iso/);
  });
});
