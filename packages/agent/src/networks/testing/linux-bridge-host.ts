/**
 * A Linux host for the network driver's contract: everything in the network namespace it is called in, with one
 * uplink "up1" whose other end "wire" is up. Puts the namespace back as it was when disposed of.
 */
import type { VmId } from "@muster/model";
import type { CommandRunner } from "../command-runner.ts";
import { HostNetworks } from "../host-networks.ts";
import { systemClock } from "@muster/runtime";
import { vlanBridging } from "../vlan-bridges/vlan-bridging.ts";
import { linuxBridging } from "../linux-bridge/linux-bridging.ts";
import { readLinuxBridgeState } from "../linux-bridge/linux-bridge-state.ts";
import type { NetworkHostUnderTest } from "../network-driver-contract.ts";
import type { NetworkDriver, NicPlug } from "../network-driver.ts";

export const UPLINK = "up1";
export const BRIDGE = "muster0";
const VLAN_STEM = "mv";
const UPLINK_MTU = 1600;

type LinuxKind = "linux-bridge" | "vlan-bridges";
const FOREIGN = ["br9", "their0", "their1", "wire"];

const byName = <Item extends { readonly name: string }>(items: Iterable<Item>): readonly Item[] =>
  [...items].toSorted((left, right) => (left.name < right.name ? -1 : 1));

export class LinuxBridgeHost implements NetworkHostUnderTest {
  readonly uplinkMtu = UPLINK_MTU;
  readonly #runner: CommandRunner;
  /** Devices that were there before. */
  readonly #before: readonly string[];

  readonly #kind: LinuxKind;

  private constructor(runner: CommandRunner, kind: LinuxKind, before: readonly string[]) {
    this.#runner = runner;
    this.#kind = kind;
    this.#before = before;
  }

  static async make(
    runner: CommandRunner,
    kind: LinuxKind = "linux-bridge",
  ): Promise<LinuxBridgeHost> {
    const { links } = await readLinuxBridgeState(runner);
    const host = new LinuxBridgeHost(runner, kind, [...links.keys()]);
    const mtu = String(UPLINK_MTU);
    await host.run(`ip link add ${UPLINK} mtu ${mtu} type veth peer name wire mtu ${mtu}`);
    await host.run("ip link set wire up");
    await host.run(`ip link set ${UPLINK} up`);
    return host;
  }

  get hasTrunks(): boolean {
    return this.#kind === "linux-bridge";
  }

  /** Runs a command line, split at blanks. */
  run(line: string): Promise<string> {
    return this.#runner.run(line.split(" "));
  }

  openDriver(runner: CommandRunner = this.#runner): NetworkDriver {
    const [bridge, bridging] =
      this.#kind === "linux-bridge"
        ? [BRIDGE, linuxBridging(runner)]
        : [VLAN_STEM, vlanBridging(runner)];
    return new HostNetworks({ bridge, uplink: UPLINK }, { bridging, runner, clock: systemClock });
  }

  async snapshot() {
    const { links, vlans } = await readLinuxBridgeState(this.#runner);
    const sorted = byName(links.values()).map((link) => ({
      name: link.name,
      kind: link.kind,
      alias: link.alias,
      group: link.group,
      altNames: link.altNames.toSorted(),
      master: link.master,
      mtu: link.mtu,
      isUp: link.isUp,
      bridge: link.bridge,
      // The kernel gives every other kind a random one.
      macAddress: link.kind === "tun" ? link.macAddress : "",
      vlans: [...(vlans.get(link.name)?.values() ?? [])],
    }));
    return sorted;
  }

  async addForeignThings(): Promise<void> {
    await this.run("ip link add br9 type bridge vlan_filtering 1");
    await this.run("ip link set br9 alias somebody-elses up");
    for (const device of ["their0", "their1"]) {
      await this.run(`ip tuntap add dev ${device} mode tap`);
      await this.run(`ip link set ${device} master br9 up`);
      await this.run(`bridge vlan add dev ${device} vid 10`);
    }
    await this.run("ip link property add dev br9 altname their-bridge");
  }

  async foreignThings() {
    return (await this.snapshot()).filter(({ name }) => FOREIGN.includes(name));
  }

  async markedThings(): Promise<readonly string[]> {
    return (await this.snapshot())
      .filter(
        ({ name, alias, altNames }) =>
          name === BRIDGE ||
          name.startsWith(`${VLAN_STEM}-`) ||
          alias.startsWith("muster") ||
          altNames.some((altName) => altName.startsWith("muster")),
      )
      .map(({ name }) => name);
  }

  async leaveNicOf(driver: NetworkDriver, nic: NicPlug): Promise<void> {
    await driver.plug(nic);
  }

  async nicsOf(vmId: VmId): Promise<readonly string[]> {
    return (await this.snapshot())
      .filter(({ alias }) => alias.includes(vmId))
      .map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (;;) {
      const { links } = await readLinuxBridgeState(this.#runner);
      // One at a time: a veth's other end goes with it.
      const [extra] = [...links.keys()].filter((name) => !this.#before.includes(name));
      if (extra === undefined) return;
      // The peer of a cable whose other end went with its namespace goes by itself, a little later.
      await this.run(`ip link del dev ${extra}`).catch((error: unknown) => {
        if (!String(error instanceof Error ? error.cause : error).includes("Cannot find device"))
          throw error;
      });
    }
  }
}
