/**
 * What every network driver must do, as cases that need no test framework: the unit suite runs them on the
 * simulation, the live suite on a private Open vSwitch, and the kernel lab on a Linux bridge inside a small VM.
 *
 * A case throws what it finds wrong.
 */
import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import {
  isMusterError,
  networkDefaults,
  parseVmId,
  vlanOf,
  type NetworkSpec,
  type VmId,
} from "@muster/model";
import type { NetworkDriver, NicPlug } from "./network-driver.ts";

/** A host with one uplink, and nothing of ours on it. */
export interface NetworkHostUnderTest extends AsyncDisposable {
  readonly uplinkMtu: number;
  /** False: its bridges cannot keep a trunk to its VLANs, and refuse it. */
  readonly hasTrunks: boolean;
  /** A driver as the agent makes one when it starts; several of them see the same host. */
  openDriver(): NetworkDriver;
  /** Everything the host has, ours and others', in a form that is equal when nothing changed. */
  snapshot(): Promise<unknown>;
  /** Adds what a person might have: another bridge with VLANs and ports. Stays until the host is disposed of. */
  addForeignThings(): Promise<void>;
  /** The part of the snapshot that is others'. */
  foreignThings(): Promise<unknown>;
  /** Names of everything that carries our mark. */
  markedThings(): Promise<readonly string[]>;
  /** What `plug` made for a VM, or what the hypervisor makes of it and leaves behind. */
  leaveNicOf(driver: NetworkDriver, nic: NicPlug): Promise<void>;
  /** Names of the ports and taps of a VM. */
  nicsOf(vmId: VmId): Promise<readonly string[]>;
}

export interface ContractCase {
  readonly name: string;
  run(host: NetworkHostUnderTest): Promise<void>;
}

const VM_ONE = parseVmId("6f1c2b52-8f0e-4b0c-9c58-0a1b2c3d4e5f");
const VM_TWO = parseVmId("0b8de2a4-3a1d-4f67-8a44-5e4d3c2b1a0f");

const network = (name: string, vlan: number, mtu = 1500): NetworkSpec => ({
  ...networkDefaults,
  name,
  segment: { kind: "vlan", vlan },
  mtu,
});

const blue = network("blue", 10);
const green = network("green", 20);
const nicOf = (vmId: VmId, index: number, on: NetworkSpec): NicPlug => ({
  vmId,
  index,
  mac: `52:54:00:0a:00:0${String(index + 1)}`,
  network: on,
});

const untagged: NetworkSpec = { ...blue, name: "plain", segment: { kind: "untagged" } };
const trunk: NetworkSpec = {
  ...blue,
  name: "trunk",
  segment: {
    kind: "trunk",
    vlans: [
      { first: 30, last: 32 },
      { first: 40, last: 40 },
    ],
  },
};

interface Outcome {
  readonly name: string;
  readonly state: string;
}

const outcomes = (observed: readonly Outcome[]): readonly string[] =>
  observed.map(({ name, state }) => `${name} ${state}`);

async function isSettled(driver: NetworkDriver, networks: readonly NetworkSpec[]): Promise<void> {
  const { actions } = await driver.plan(networks);
  deepEqual(
    actions.map(({ summary }) => summary),
    [],
    "a plan for what is already so is empty",
  );
}

const isNetworkFailed = (error: unknown): boolean =>
  isMusterError(error) && error.code === "network-failed";

export const networkDriverContract: readonly ContractCase[] = [
  {
    name: "a host without our networks shows none, and removing none changes nothing",
    async run(host) {
      const before = await host.snapshot();
      const driver = host.openDriver();
      deepEqual(await driver.observe(), []);
      deepEqual(await driver.apply([]), []);
      deepEqual(await host.snapshot(), before);
    },
  },
  {
    name: "a plan changes nothing and names what apply does",
    async run(host) {
      const before = await host.snapshot();
      const { actions, refusals } = await host.openDriver().plan([blue]);
      ok(actions.some((action) => action.summary.includes("blue")));
      deepEqual(refusals, []);
      deepEqual(await host.snapshot(), before);
    },
  },
  {
    name: "untagged and trunk networks become ready, twice is once, and nothing of them stays",
    async run(host) {
      const driver = host.openDriver();
      const wanted = [untagged, trunk, blue];
      const first = await driver.apply(wanted);
      deepEqual(
        outcomes(first),
        ["blue ready", "plain ready", host.hasTrunks ? "trunk ready" : "trunk failed"],
        JSON.stringify(first),
      );
      await isSettled(driver, wanted);
      const after = await host.snapshot();
      deepEqual(await driver.apply(wanted), first);
      deepEqual(await host.snapshot(), after);
      // Another agent on the same host reads the same from the marks alone.
      await isSettled(host.openDriver(), wanted);
      const fewer: NetworkSpec = {
        ...trunk,
        segment: { kind: "trunk", vlans: [{ first: 31, last: 31 }] },
      };
      const trunkState = host.hasTrunks ? "trunk ready" : "trunk failed";
      deepEqual(outcomes(await driver.apply([fewer])), [trunkState]);
      await isSettled(driver, [fewer]);
      await driver.apply([]);
      deepEqual(await host.markedThings(), []);
    },
  },
  {
    name: "a NIC on a trunk may tag with its own ids only, and with none is refused",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([trunk]);
      if (!host.hasTrunks) {
        await rejects(driver.plug(nicOf(VM_ONE, 0, trunk)), isNetworkFailed);
        return;
      }
      const some = { ...nicOf(VM_ONE, 0, trunk), trunk: [{ first: 31, last: 50 }] };
      const first = await driver.plug(some);
      const after = await host.snapshot();
      deepEqual(await driver.plug(some), first);
      deepEqual(await host.snapshot(), after);
      const none = { ...nicOf(VM_ONE, 1, trunk), trunk: [{ first: 99, last: 99 }] };
      await rejects(driver.plug(none), isNetworkFailed);
      await driver.unplug(VM_ONE);
    },
  },
  {
    name: "networks become ready, and applying them again changes nothing",
    async run(host) {
      const driver = host.openDriver();
      const first = await driver.apply([green, blue]);
      deepEqual(outcomes(first), ["blue ready", "green ready"], JSON.stringify(first));
      deepEqual(
        first.map(({ vlan, driver: kind }) => [vlan, kind]),
        [
          [10, driver.name],
          [20, driver.name],
        ],
      );
      await isSettled(driver, [blue, green]);
      const after = await host.snapshot();
      deepEqual(await driver.apply([blue, green]), first);
      deepEqual(await driver.observe(), first);
      deepEqual(await host.snapshot(), after);
    },
  },
  {
    name: "a driver that starts anew finds the networks its predecessor made",
    async run(host) {
      const made = await host.openDriver().apply([blue, green]);
      const again = host.openDriver();
      deepEqual(await again.observe(), made);
      await isSettled(again, [blue, green]);
    },
  },
  {
    name: "a network that is not wanted any more goes, the other stays",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue]);
      const onlyBlue = await host.snapshot();
      await driver.apply([blue, green]);
      notEqual(JSON.stringify(await host.snapshot()), JSON.stringify(onlyBlue));
      deepEqual(outcomes(await driver.apply([blue])), ["blue ready"]);
      deepEqual(await host.snapshot(), onlyBlue);
      await isSettled(driver, [blue]);
    },
  },
  {
    name: "with the last network everything of ours goes, and the host is as it was",
    async run(host) {
      const before = await host.snapshot();
      const driver = host.openDriver();
      await driver.apply([blue, green]);
      ok((await host.markedThings()).length > 0);
      deepEqual(await driver.apply([]), []);
      deepEqual(await host.markedThings(), []);
      deepEqual(await host.snapshot(), before);
      deepEqual(await driver.apply([]), []);
    },
  },
  {
    name: "two networks may share a VLAN: it stays until the second goes",
    async run(host) {
      const twin = network("azure", vlanOf(blue));
      const driver = host.openDriver();
      await driver.apply([blue, twin]);
      deepEqual(outcomes(await driver.apply([twin])), ["azure ready"]);
      await isSettled(driver, [twin]);
    },
  },
  {
    name: "a network whose VLAN changed is corrected",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue]);
      const moved = network("blue", 30);
      const [observed] = await driver.apply([moved]);
      deepEqual([observed?.state, observed?.message, observed?.vlan], ["ready", "", 30]);
      await isSettled(driver, [moved]);
    },
  },
  {
    name: "an MTU above the uplink's is refused with both numbers, and the others go on",
    async run(host) {
      const driver = host.openDriver();
      const large = network("jumbo", 40, host.uplinkMtu + 1);
      const [first, second] = await driver.apply([blue, large]);
      deepEqual([first?.name, first?.state], ["blue", "ready"]);
      deepEqual([second?.name, second?.state], ["jumbo", "failed"]);
      match(second?.message ?? "", new RegExp(`${large.mtu}.*${host.uplinkMtu}`));
      deepEqual(outcomes(await driver.observe()), ["blue ready", "jumbo failed"]);
      const { refusals } = await driver.plan([blue, large]);
      deepEqual(
        refusals.map((refusal) => refusal.network),
        ["jumbo"],
      );
      const exact = network("exact", 41, host.uplinkMtu);
      deepEqual(outcomes(await driver.apply([exact])), ["exact ready"]);
    },
  },
  {
    name: "a VLAN that does not exist is refused, and the others go on",
    async run(host) {
      const driver = host.openDriver();
      const observed = await driver.apply([network("wrong", 5000), blue]);
      deepEqual(outcomes(observed), ["blue ready", "wrong failed"]);
      match(observed[1]?.message ?? "", /5000/);
    },
  },
  {
    name: "what others made stays as it is through making, plugging, unplugging and removing",
    async run(host) {
      await host.addForeignThings();
      const theirs = await host.foreignThings();
      const driver = host.openDriver();
      deepEqual(outcomes(await driver.apply([blue, green])), ["blue ready", "green ready"]);
      deepEqual(await host.foreignThings(), theirs);
      const nic = nicOf(VM_ONE, 0, blue);
      await host.leaveNicOf(driver, nic);
      await driver.unplug(VM_ONE);
      deepEqual(await host.foreignThings(), theirs);
      await driver.apply([]);
      deepEqual(await host.foreignThings(), theirs);
      deepEqual(await host.markedThings(), []);
    },
  },
  {
    name: "plugging a NIC twice gives the same attachment and changes nothing the second time",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue, green]);
      const first = await driver.plug(nicOf(VM_ONE, 0, blue));
      const after = await host.snapshot();
      deepEqual(await driver.plug(nicOf(VM_ONE, 0, blue)), first);
      deepEqual(await host.snapshot(), after);
      await isSettled(driver, [blue, green]);
    },
  },
  {
    name: "a NIC may move to another network by being plugged again",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue, green]);
      const direct = await driver.plug(nicOf(VM_TWO, 0, green));
      const wanted = await host.snapshot();
      await driver.unplug(VM_TWO);
      await driver.plug(nicOf(VM_TWO, 0, blue));
      deepEqual(await driver.plug(nicOf(VM_TWO, 0, green)), direct);
      deepEqual(await host.snapshot(), wanted);
    },
  },
  {
    name: "unplugging removes every NIC of that VM and of no other, and may be repeated",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue, green]);
      const bare = await host.snapshot();
      await host.leaveNicOf(driver, nicOf(VM_TWO, 0, green));
      const withTwo = await host.snapshot();
      await host.leaveNicOf(driver, nicOf(VM_ONE, 0, blue));
      await host.leaveNicOf(driver, nicOf(VM_ONE, 1, green));
      equal((await host.nicsOf(VM_ONE)).length, 2);
      await driver.unplug(VM_ONE);
      deepEqual(await host.nicsOf(VM_ONE), []);
      deepEqual(await host.snapshot(), withTwo);
      await driver.unplug(VM_ONE);
      deepEqual(await host.snapshot(), withTwo);
      await host.openDriver().unplug(VM_TWO);
      deepEqual(await host.snapshot(), bare);
    },
  },
  {
    name: "a NIC on a network the host does not have is refused and leaves nothing",
    async run(host) {
      const driver = host.openDriver();
      await rejects(driver.plug(nicOf(VM_ONE, 0, blue)), isNetworkFailed);
      await driver.apply([blue]);
      const before = await host.snapshot();
      await rejects(driver.plug(nicOf(VM_ONE, 0, green)), isNetworkFailed);
      await rejects(driver.plug(nicOf(VM_ONE, 0, network("blue", 11))), isNetworkFailed);
      deepEqual(await host.snapshot(), before);
    },
  },
  {
    name: "applying while NICs are plugged leaves them alone",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue]);
      await host.leaveNicOf(driver, nicOf(VM_ONE, 0, blue));
      const nics = await host.nicsOf(VM_ONE);
      await driver.apply([blue, green]);
      await driver.apply([blue]);
      await driver.apply([]);
      deepEqual(await host.nicsOf(VM_ONE), nics);
      await driver.apply([blue]);
      await driver.unplug(VM_ONE);
      await driver.apply([]);
      deepEqual(await host.markedThings(), []);
    },
  },
  {
    name: "calls that come at once do not get into each other's way",
    async run(host) {
      const driver = host.openDriver();
      await driver.apply([blue, green]);
      await Promise.all([
        driver.apply([green, blue]),
        ...[0, 1, 2, 3].map((index) => driver.plug(nicOf(VM_ONE, index, blue))),
        driver.observe(),
        driver.plug(nicOf(VM_TWO, 0, green)),
      ]);
      deepEqual(outcomes(await driver.observe()), ["blue ready", "green ready"]);
      await Promise.all([driver.unplug(VM_ONE), driver.unplug(VM_TWO)]);
      deepEqual(await host.nicsOf(VM_ONE), []);
    },
  },
];
