/** What a test can do to a host of the lab, and that it is undone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Lab, waitFor } from "./lab.ts";
import { leftovers, namespacesOf } from "./leftovers.ts";

/** Takes everything on port 5000 of ctl and hangs up when the sender has. */
const receive = `
  const server = require("node:net").createServer((socket) => socket.resume().on("close", () => server.close()));
  server.listen(5000);
`;

/** Sends 32 Mbit there and waits until all has arrived. */
const transmit = `
  const connect = () => {
    const socket = require("node:net").connect(5000, "ctl", () => socket.end(Buffer.alloc(4_000_000)));
    socket.on("error", () => setTimeout(connect, 50));
    socket.resume();
  };
  connect();
`;

describe("what a host can suffer", () => {
  const place = { directory: "/tmp/muster-lab-faults" };
  let lab: Lab;

  beforeAll(async () => {
    await Lab.down(place);
    lab = await Lab.up({ ...place, hosts: 2 });
  });
  afterAll(() => Lab.down(place));

  async function reaches(address: string): Promise<boolean> {
    const { exitCode } = await lab.control.exec(["ping", "-c", "1", "-W", "1", address], {
      check: false,
    });
    return exitCode === 0;
  }

  it("is out of reach with its cable cut, and back when it is healed", async () => {
    await lab.host("h1").cut("mgmt");
    expect([await reaches("h1"), await reaches("h2")]).toEqual([false, true]);
    await lab.host("h1").heal("mgmt");
    await waitFor("h1 to be back", () => reaches("h1"), { timeoutMs: 5_000 });
  });

  it("carries no more than its limit", async () => {
    const node = process.execPath;
    const send = async (): Promise<number> => {
      await using receiver = lab.control.spawn([node, "-e", receive]);
      await receiver.pid();
      const started = performance.now();
      await lab.host("h1").exec([node, "-e", transmit]);
      return performance.now() - started;
    };
    await lab.host("h1").limit(16);
    const slow = await send();
    // 32 Mbit at 16 Mbit a second.
    expect(slow).toBeGreaterThan(1_500);
    await lab.host("h1").limit(0);
    expect(await send()).toBeLessThan(slow);
  });

  it("waits while the shared storage hangs, and goes down with it", async () => {
    await lab.host("h1").exec(["touch", "/srv/shared/seen"]);
    await lab.hangStorage();
    const listing = lab.host("h2").exec(["ls", "/srv/shared"]);
    const first = await Promise.race([listing, lab.host("h2").exec(["sleep", "0.5"])]);
    expect(first.stdout).toBe("");
    await lab.resumeStorage();
    expect((await listing).stdout).toContain("seen");
    await lab.hangStorage();
    const namespaces = namespacesOf(place.directory);
    await lab.down();
    expect(leftovers(place.directory, namespaces)).toEqual([]);
  });
});
