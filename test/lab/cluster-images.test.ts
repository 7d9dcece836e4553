/** Images on real hosts: read once, given from host to host, and real VMs that boot from what is made of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";

interface ShownImage {
  readonly contents?: { readonly digest: string; readonly format: string };
  readonly hosts: readonly string[];
  readonly vmCount: number;
}

interface ShownHost {
  readonly inventory: {
    readonly images: { readonly images: readonly { readonly uses: number }[] };
  };
}

describe("images", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({ hosts: 2, directory: "/tmp/muster-images-lab" });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  async function muster(...words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await cluster.muster.muster(words);
    expect(exitCode, `muster ${words.join(" ")}: ${stderr}`).toBe(0);
    return stdout;
  }

  async function refused(...words: readonly string[]): Promise<string> {
    const { exitCode, stderr } = await cluster.muster.muster(words);
    expect(exitCode, `muster ${words.join(" ")} was not refused`).not.toBe(0);
    return stderr;
  }

  const create = (name: string, host: string, disk: string): Promise<string> =>
    muster("vm", "create", name, "--host", host, "--memory", "128M", "--disk", disk);

  const image = (): Promise<ShownImage> => cluster.muster.json(["image", "show", "guest:1"]);
  const isUp = async (host: string, name: string): Promise<void> => {
    await cluster.lab.waitForGuest(host, name, { timeoutMs: 90_000 });
  };

  const usesOn = async (host: string): Promise<number> => {
    const shown = await cluster.muster.json<ShownHost>(["host", "show", host]);
    return shown.inventory.images.images.reduce((sum, { uses }) => sum + uses, 0);
  };

  const backingOf = async (host: string, volume: string): Promise<string> => {
    const found = await cluster.lab.host(host).exec(["qemu-img", "info", "-U", volume]);
    return /backing file: (\S+)/.exec(found.stdout)?.[1] ?? "";
  };

  it("are read by a host, judged, and named by their sha256", async () => {
    const said = await muster(
      ...["image", "add", "guest:1", "--from", "/srv/shared/guest/disk.qcow2", "--host", "h1"],
    );
    const sum = await cluster.lab.host("h1").exec(["sha256sum", "/srv/shared/guest/disk.qcow2"]);
    const digest = sum.stdout.split(" ")[0] ?? "";
    expect(said).toContain(digest);
    expect(await image()).toMatchObject({ contents: { digest, format: "qcow2" } });
    await refused("image", "add", "bad:1", "--from", "/srv/shared/guest/nothing", "--host", "h1");
    expect(await muster("image", "ls")).not.toContain("bad");
  });

  it("go from host to host, and a VM boots from an overlay over them", async () => {
    await create("over", "h2", "storage=local,image=guest");
    await isUp("h2", "over");
    await cluster.muster.eventually(10_000, async () => (await image()).hosts.length === 2);
    expect(await usesOn("h2")).toBe(1);
    const { id } = await cluster.vm("over");
    const backing = await backingOf("h2", `/srv/local/volumes/${id}-0.qcow2`);
    expect(backing).toMatch(/^\/srv\/local\/muster-images\/[0-9a-f]{64}\.img$/);
    const peers = await cluster.lab
      .host("h1")
      .exec(["sh", "-c", "ls /srv/local/muster-images/*.img | wc -l"]);
    expect(peers.stdout.trim()).toBe("1");
  });

  it("make a VM on shared storage that moves while it runs", async () => {
    await create("mover", "h1", "storage=shared,image=guest:1,size=128M");
    await isUp("h1", "mover");
    await muster("vm", "migrate", "mover", "--host", "h2");
    await isUp("h2", "mover");
    const { id } = await cluster.vm("mover");
    expect(await backingOf("h2", `/srv/shared/volumes/${id}-0.qcow2`)).toMatch(
      /^\/srv\/shared\/volumes\/image-[0-9a-f]{64}\.qcow2$/,
    );
  });

  it("are copied when asked, and such a disk stands alone", async () => {
    await create("alone", "h1", "storage=local,image=guest,size=100M,mode=copy");
    await isUp("h1", "alone");
    const { id } = await cluster.vm("alone");
    expect(await backingOf("h1", `/srv/local/volumes/${id}-0.qcow2`)).toBe("");
  });

  it("are refused with the reason, and VMs of them run on", async () => {
    const ask = ["vm", "create", "x", "--memory", "128M", "--disk", "storage=local,image=guest"];
    await muster("image", "policy", "set", "--channel", "prod");
    expect(await refused(...ask)).toMatch(/guest:1: it is in channel dev, allowed is prod/);
    await muster("image", "promote", "guest:1");
    await muster("image", "deprecate", "guest:1", "--reason", "has a hole");
    expect(await refused(...ask)).toMatch(/it is deprecated: has a hole/);
    await muster("image", "deprecate", "guest:1", "--undo");
    expect(
      await refused(
        "vm",
        "create",
        "x",
        "--memory",
        "128M",
        "--disk",
        "storage=local,image=guest,size=1M",
      ),
    ).toMatch(/a disk is at least as large as its image/);
    expect((await cluster.vm("over")).host).toBe("h2");
  });

  it("stay while a VM needs them, and leave nothing when they go", async () => {
    expect(await refused("image", "rm", "guest:1")).toMatch(/VM over has a disk made of it/);
    for (const name of ["over", "mover", "alone"]) await muster("vm", "rm", name, "--force");
    await cluster.muster.eventually(10_000, async () => (await usesOn("h2")) === 0);
    await muster("image", "rm", "guest:1");
    for (const host of ["h1", "h2"]) {
      const left = await cluster.lab
        .host(host)
        .exec(["sh", "-c", "find /srv/local/muster-images -type f"]);
      expect(left.stdout).toBe("");
    }
  });
});
