/** Hosts that die, freeze, are cut off or come back: what is restarted where, and that nothing ever runs twice. */
import { isEnded, noHaPolicy, type HaPolicy } from "@muster/model";
import { encodeHaPolicy } from "@muster/model/wire";
import { HaMode, VmChange } from "@muster/proto/admin";
import { describe, expect, it } from "vitest";
import {
  why,
  onFailure,
  start,
  create,
  vmOf,
  runners,
  until,
  secondsUntil,
  stateOf,
  nextFor,
  setFence,
  setMode,
  recoveries,
} from "./host-failure-scene.ts";
import { checkAtRest, checkNow } from "./invariants/at-rest.ts";
import { migrateVmRequest } from "./requests.ts";

describe("a host with a fence device", () => {
  it("is lost, switched off, and its VMs run elsewhere; what is left of them goes when it is back", async () => {
    await using cluster = await start();
    await setFence(cluster, "h1");
    await create(cluster, "web", { policy: onFailure });
    await create(cluster, "plain");
    await cluster.powerCut("h1");
    cluster.network.cutOff("h1");
    expect(await secondsUntil(cluster, () => stateOf(cluster, "h1") === "lost")).toBeLessThan(35);
    expect(await secondsUntil(cluster, () => runners(cluster, "web").length === 1)).toBeLessThan(
      15,
    );
    expect(runners(cluster, "web")).not.toStrictEqual(["h1"]);
    expect(runners(cluster, "plain")).toStrictEqual([]);
    cluster.network.reconnect("h1");
    await cluster.boot("h1");
    await cluster.clock.runFor(10 * 60_000);
    expect(checkAtRest(cluster)).toStrictEqual([]);
    expect(recoveries(cluster)).toStrictEqual(["succeeded"]);
  });

  it.each(["", "h2"])("may be run by %j, and is asked again when it failed", async (viaHost) => {
    await using cluster = await start();
    await setFence(cluster, "h1", viaHost);
    await create(cluster, "web", { policy: onFailure });
    cluster.areFenceDevicesBroken = true;
    cluster.cutOff("h1");
    await until(cluster, () => recoveries(cluster).includes("failed"));
    expect(await nextFor(cluster, "h1")).toContain("tried again in");
    expect(runners(cluster, "web")).toStrictEqual(["h1"]);
    cluster.areFenceDevicesBroken = false;
    await until(cluster, () => runners(cluster, "web").includes("h1") === false);
    await until(cluster, () => runners(cluster, "web").length === 1);
    expect(checkNow(cluster)).toStrictEqual([]);
  });

  it("shows no secret, and keeps the one that is shown as set", async () => {
    await using cluster = await start();
    await setFence(cluster, "h1");
    const { host } = await cluster.api.hosts.getHost({ host: "h1" }, cluster.api.context);
    expect(host?.fenceDevices).toMatchObject([{ parameters: { plug: "h1", password: "(set)" } }]);
    await cluster.api.fenceDevices.setHostFence(
      { host: "h1", devices: [...(host?.fenceDevices ?? [])], why },
      cluster.api.context,
    );
    const [device] = cluster.coordinator.ledger.view.hostByName("h1")?.fenceDevices ?? [];
    expect(device).toMatchObject({
      parameters: { plug: "h1" },
      sealed: { password: `sealed:${Buffer.from("secret").toString("hex")}` },
    });
    const tested = await cluster.api.fenceDevices.testHostFence(
      { host: "h1" },
      cluster.api.context,
    );
    expect(tested.answers).toStrictEqual([{ agent: "fence_simulated", power: "on", problem: "" }]);
  });
});

describe("a host without a fence device", () => {
  it("keeps its VMs until a person says that it is off", async () => {
    await using cluster = await start();
    await create(cluster, "web", { policy: onFailure });
    cluster.cutOff("h1");
    await cluster.clock.runFor(60 * 60_000);
    expect(runners(cluster, "web")).toStrictEqual(["h1"]);
    expect(await nextFor(cluster, "h1")).toContain("--i-confirm-it-is-off");
    await cluster.powerCut("h1");
    const confirm = { host: "h1", confirmedOff: true, force: false, why };
    await cluster.api.fences.fenceHost(confirm, cluster.api.context);
    expect(await secondsUntil(cluster, () => runners(cluster, "web").length === 1)).toBeLessThan(
      10,
    );
    expect(checkNow(cluster)).toStrictEqual([]);
  });

  it("cannot be confirmed off while it is connected", async () => {
    await using cluster = await start();
    const confirm = { host: "h1", confirmedOff: true, force: false, why };
    await expect(cluster.api.fences.fenceHost(confirm, cluster.api.context)).rejects.toThrow(
      "it is not off",
    );
  });
});

describe("a host with a watchdog", () => {
  it("that is cut off stops its guarded VMs itself, and they run elsewhere; the others run on", async () => {
    await using cluster = await start({ watchdogMs: 10_000 });
    await create(cluster, "web", { policy: onFailure });
    await create(cluster, "stays", { policy: { ...onFailure, isolation: "run" } });
    await until(cluster, () => cluster.watchdogOf("h1")?.isArmed === true);
    await cluster.clock.runFor(20_000);
    cluster.cutOff("h1");
    expect(await secondsUntil(cluster, () => runners(cluster, "web").length === 0)).toBeLessThan(
      35,
    );
    expect(cluster.world.host("h1").isPowered).toBe(true);
    expect(await secondsUntil(cluster, () => runners(cluster, "web").length === 1)).toBeLessThan(
      60,
    );
    expect(runners(cluster, "stays")).toStrictEqual(["h1"]);
    cluster.reconnect("h1");
    await cluster.clock.runFor(10 * 60_000);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("that is frozen is reset by it before its VMs run elsewhere, whenever it goes on", async () => {
    for (const frozenMs of [5_000, 25_000, 45_000, 90_000, 300_000]) {
      await using cluster = await start({ watchdogMs: 10_000, seed: frozenMs });
      await create(cluster, "web", { policy: onFailure });
      await cluster.clock.runFor(20_000);
      cluster.freeze("h1");
      await cluster.clock.runFor(frozenMs);
      await cluster.thaw("h1");
      await cluster.clock.runFor(5 * 60_000);
      expect([frozenMs, ...checkNow(cluster)]).toStrictEqual([frozenMs]);
      await until(cluster, () => runners(cluster, "web").length === 1);
      if (!cluster.world.host("h1").isPowered) await cluster.boot("h1");
      await cluster.clock.runFor(10 * 60_000);
      expect([frozenMs, ...checkAtRest(cluster)]).toStrictEqual([frozenMs]);
    }
  });

  it("survives its agent: the next one goes on feeding under the same lease", async () => {
    await using cluster = await start({ watchdogMs: 10_000 });
    await create(cluster, "web", { policy: onFailure });
    await cluster.clock.runFor(20_000);
    await cluster.killAgent("h1");
    await cluster.clock.runFor(4_000);
    await cluster.startAgent("h1");
    await cluster.clock.runFor(5 * 60_000);
    expect(runners(cluster, "web")).toStrictEqual(["h1"]);
    expect(cluster.world.host("h1").isPowered).toBe(true);
  });

  it("is not given up for a coordinator that restarts, and a new one takes no lease for shorter", async () => {
    await using cluster = await start({ watchdogMs: 10_000 });
    await create(cluster, "web", { policy: onFailure });
    await cluster.clock.runFor(20_000);
    cluster.killCoordinator();
    await cluster.clock.runFor(10_000);
    await cluster.startCoordinator();
    await cluster.clock.runFor(60_000);
    expect(runners(cluster, "web")).toStrictEqual(["h1"]);
    cluster.cutOff("h1");
    cluster.killCoordinator();
    await cluster.clock.runFor(5_000);
    await cluster.startCoordinator();
    await until(cluster, () => runners(cluster, "web").some((host) => host !== "h1"));
    expect(checkNow(cluster)).toStrictEqual([]);
  });

  it("stops its watchdog when it guards nothing any more", async () => {
    await using cluster = await start({ watchdogMs: 10_000 });
    await create(cluster, "web", { policy: onFailure });
    await until(cluster, () => cluster.watchdogOf("h1")?.isArmed === true);
    await cluster.clock.runFor(20_000);
    await setMode(cluster, HaMode.FREEZE);
    await until(cluster, () => cluster.watchdogOf("h1")?.isArmed === false);
    expect(cluster.coordinator.ledger.view.hostByName("h1")?.watchdog).toBeUndefined();
    cluster.cutOff("h1");
    await cluster.clock.runFor(10 * 60_000);
    expect(runners(cluster, "web")).toStrictEqual(["h1"]);
  });
});

describe("the brakes", () => {
  it("hold while more than half of the hosts are missing, and let go when they are back", async () => {
    await using cluster = await start();
    for (const host of ["h1", "h2"]) await setFence(cluster, host);
    await create(cluster, "web", { policy: onFailure });
    cluster.cutOff("h1");
    cluster.cutOff("h2");
    await cluster.clock.runFor(10 * 60_000);
    expect(recoveries(cluster)).toStrictEqual([]);
    expect(await nextFor(cluster, "h1")).toContain("2 of 3 hosts are missing");
    cluster.reconnect("h2");
    await until(cluster, () => recoveries(cluster).includes("succeeded"));
    expect(checkNow(cluster)).toStrictEqual([]);
    expect(cluster.world.host("h2").isPowered).toBe(true);
  });

  it("do nothing while disarmed, and what is due by then when armed again", async () => {
    await using cluster = await start();
    await setFence(cluster, "h1");
    await create(cluster, "web", { policy: onFailure });
    await setMode(cluster, HaMode.FREEZE);
    await cluster.powerCut("h1");
    await cluster.clock.runFor(10 * 60_000);
    expect(recoveries(cluster)).toStrictEqual([]);
    expect(await nextFor(cluster, "h1")).toContain("disarmed (freeze)");
    await setMode(cluster, HaMode.ARMED);
    await until(cluster, () => runners(cluster, "web").length === 1);
    expect(runners(cluster, "web")).not.toStrictEqual(["h1"]);
  });

  it("take what stopped under ignore as stopped on purpose", async () => {
    await using cluster = await start();
    await create(cluster, "web", { policy: onFailure });
    await setMode(cluster, HaMode.IGNORE);
    cluster.world.virsh("h1", vmOf(cluster, "web").id, "destroy");
    await cluster.clock.runFor(60_000);
    await setMode(cluster, HaMode.ARMED);
    await cluster.clock.runFor(60_000);
    expect(runners(cluster, "web")).toStrictEqual([]);
    expect(vmOf(cluster, "web").wanted).toBe("stopped");
  });
});

describe("a VM whose host does not say that it is there", () => {
  it("because it has just arrived and libvirt there is slow: it is not started a second time", async () => {
    await using cluster = await start();
    await create(cluster, "web", { policy: onFailure });
    cluster.world.inject("h2", { operation: "list", times: 1, effect: { kind: "hang" } });
    // The next full report waits for it, and whatever changes waits behind that.
    await cluster.clock.runFor(70_000);
    await cluster.api.vms.migrateVm(
      migrateVmRequest(vmOf(cluster, "web").id, { host: "h2" }),
      cluster.api.context,
    );
    await until(cluster, () => runners(cluster, "web").includes("h2"));
    await cluster.clock.runFor(10 * 60_000);
    cluster.world.clearFaults("h2");
    await cluster.clock.runFor(10 * 60_000);
    expect(runners(cluster, "web")).toStrictEqual(["h2"]);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });

  it("because somebody removed it there: it is asked once more, and then started elsewhere", async () => {
    await using cluster = await start();
    await create(cluster, "web", { policy: onFailure });
    cluster.world.virsh("h1", vmOf(cluster, "web").id, "destroy");
    cluster.world.virsh("h1", vmOf(cluster, "web").id, "undefine");
    await until(cluster, () => runners(cluster, "web").length === 1);
    await cluster.clock.runFor(5 * 60_000);
    expect(checkAtRest(cluster)).toStrictEqual([]);
    const steps = [...cluster.coordinator.ledger.view.operations.values()]
      .filter(({ type }) => type === "vm-recover")
      .map((operation) => operation.steps.map(({ name }) => name).join(" "));
    expect(steps).toContain("leave define start");
  });
});

describe("what a VM has left on a host that died", () => {
  it("goes when the host is back, though the VM was deleted meanwhile", async () => {
    await using cluster = await start();
    await setFence(cluster, "h1");
    await create(cluster, "web", { policy: onFailure });
    await cluster.powerCut("h1");
    const there = (): boolean => runners(cluster, "web").some((host) => host !== "h1");
    await until(cluster, there);
    const remove = {
      vm: "web",
      change: VmChange.FORCE_DELETE,
      graceMs: 0,
      keepVolumes: false,
      why,
    };
    await until(cluster, () => vmOf(cluster, "web").operationId === undefined);
    await cluster.api.vms.changeVm(remove, cluster.api.context);
    await cluster.clock.runFor(60_000);
    await cluster.boot("h1");
    await cluster.clock.runFor(5 * 60_000);
    expect(checkAtRest(cluster)).toStrictEqual([]);
    expect(cluster.coordinator.ledger.view.hostByName("h1")?.leftovers).toBeUndefined();
  });
});

describe("a VM that stops by itself", () => {
  it("is restarted where it is, later each time, and is left in error in the end", async () => {
    await using cluster = await start();
    await create(cluster, "web", { policy: onFailure });
    const pauses: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      cluster.world.virsh("h1", vmOf(cluster, "web").id, "crash");
      const isUp = (): boolean =>
        runners(cluster, "web").length === 1 && vmOf(cluster, "web").operationId === undefined;
      pauses.push(Math.round(await secondsUntil(cluster, isUp)));
    }
    expect(pauses[0]).toBeLessThan(10);
    expect(pauses[1]).toBeGreaterThanOrEqual(8);
    expect(pauses[2]).toBeGreaterThanOrEqual(18);
    cluster.world.virsh("h1", vmOf(cluster, "web").id, "crash");
    await until(cluster, () => vmOf(cluster, "web").recovery?.error !== undefined);
    await cluster.clock.runFor(2 * 3_600_000);
    expect(runners(cluster, "web")).toStrictEqual([]);
    await cluster.api.ha.resetVm({ vm: "web", why }, cluster.api.context);
    await until(cluster, () => runners(cluster, "web").length === 1);
  });

  it.each([
    ["on-failure", []],
    ["always", ["h1"]],
  ] as const)("because its guest shut down, with restart %s", async (restart, expected) => {
    await using cluster = await start();
    await create(cluster, "web", { policy: { ...onFailure, restart } });
    cluster.world.virsh("h1", vmOf(cluster, "web").id, "shutdown");
    await until(cluster, () => runners(cluster, "web").length === 0);
    await cluster.clock.runFor(120_000);
    expect(runners(cluster, "web")).toStrictEqual(expected);
  });

  it("is left alone when a person stopped it, or no policy asks for more", async () => {
    await using cluster = await start();
    await create(cluster, "web", { policy: { ...onFailure, restart: "always" } });
    await create(cluster, "plain");
    const stop = { vm: "web", change: VmChange.FORCE_STOP, graceMs: 0, keepVolumes: false, why };
    await cluster.api.vms.changeVm(stop, cluster.api.context);
    cluster.world.virsh("h1", vmOf(cluster, "plain").id, "crash");
    await cluster.clock.runFor(5 * 60_000);
    expect([runners(cluster, "web"), runners(cluster, "plain")]).toStrictEqual([[], []]);
  });
});

describe("after a boot", () => {
  it("a host starts the VMs that start with it, without a coordinator, and no others", async () => {
    await using cluster = await start();
    await create(cluster, "starts", { policy: { ...noHaPolicy, autostart: true } });
    await create(cluster, "plain");
    await create(cluster, "web", { policy: onFailure });
    await cluster.clock.runFor(10_000);
    cluster.killCoordinator();
    await cluster.powerCut("h1");
    await cluster.clock.runFor(30_000);
    await cluster.boot("h1");
    await cluster.clock.runFor(60_000);
    const names = cluster.world.domains("h1").filter(({ state }) => state === "running");
    expect(names.map(({ name }) => name)).toStrictEqual(["starts"]);
    await cluster.startCoordinator();
    await until(cluster, () => runners(cluster, "web").length === 1);
    await cluster.clock.runFor(5 * 60_000);
    expect(runners(cluster, "plain")).toStrictEqual([]);
    expect(checkAtRest(cluster)).toStrictEqual([]);
  });
});

describe("a policy", () => {
  it("holds once the VM's host knows it, and is refused while that is away", async () => {
    await using cluster = await start();
    await create(cluster, "web");
    const set = (policy: HaPolicy) =>
      cluster.api.ha.setVmPolicy(
        { vm: "web", policy: encodeHaPolicy(policy), why },
        cluster.api.context,
      );
    await set(onFailure);
    await until(cluster, () => vmOf(cluster, "web").operationId === undefined);
    expect(vmOf(cluster, "web").spec.ha).toStrictEqual(onFailure);
    await cluster.killAgent("h1");
    await cluster.clock.runFor(1_000);
    await expect(set(noHaPolicy)).rejects.toThrow("would not know the new policy");
  });

  it("that the host never confirmed falls back to the more careful of the two", async () => {
    await using cluster = await start();
    await create(cluster, "web");
    const asked = cluster.api.ha.setVmPolicy(
      { vm: "web", policy: encodeHaPolicy(onFailure), why },
      cluster.api.context,
    );
    cluster.cutOff("h1");
    const { operation } = await asked;
    const ended = (): boolean =>
      [...cluster.coordinator.ledger.view.operations.values()].some(
        ({ id, state }) => id === operation?.id && isEnded(state),
      );
    await until(cluster, ended);
    expect(vmOf(cluster, "web").spec.ha).toBeUndefined();
  });
});
