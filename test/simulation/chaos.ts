/**
 * A day in the life of an unlucky cluster: people create, move, stop and delete VMs while processes are killed, hosts
 * lose power and links break, all chosen by the seed. Then everything is healed, and the promises are checked.
 */
import type { VmId } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import { encodeNetworkSpec, encodeNic } from "@muster/model/wire";
import { VmChange } from "@muster/proto/admin";
import { checkAtRest, checkNow } from "./invariants.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly hosts: number;
  /** Simulated minutes of trouble before everything is healed. */
  readonly minutes: number;
  readonly onLog?: (line: string) => void;
}

export interface ChaosResult {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What was done, for people who look at a failing seed. */
  readonly log: readonly string[];
  readonly operations: number;
}

const MIB = 1024n ** 2n;

type Deed = (chaos: Chaos) => Promise<void>;

/** How often each deed is chosen, relative to the others. */
const deeds: readonly (readonly [weight: number, name: string, deed: Deed])[] = [
  [20, "create", (chaos) => chaos.create()],
  [16, "migrate", (chaos) => chaos.migrate()],
  [5, "stop", (chaos) => chaos.change(VmChange.STOP)],
  [3, "force-stop", (chaos) => chaos.change(VmChange.FORCE_STOP)],
  [6, "start", (chaos) => chaos.change(VmChange.START)],
  [2, "pause", (chaos) => chaos.change(VmChange.PAUSE)],
  [4, "resume", (chaos) => chaos.change(VmChange.RESUME)],
  [4, "delete", (chaos) => chaos.change(VmChange.FORCE_DELETE)],
  [3, "cancel", (chaos) => chaos.cancel()],
  [3, "kill-coordinator", (chaos) => chaos.killCoordinator()],
  [5, "kill-agent", (chaos) => chaos.killAgent()],
  [3, "restart-libvirtd", (chaos) => chaos.restartLibvirtd()],
  [2, "power-cut", (chaos) => chaos.powerCut()],
  [3, "cut-off", (chaos) => chaos.cutOff()],
  [2, "virsh", (chaos) => chaos.virsh()],
  [2, "inject", (chaos) => chaos.inject()],
  [3, "drain", (chaos) => chaos.drain()],
  [4, "undrain", (chaos) => chaos.undrain()],
];

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  await using cluster = await SimulatedCluster.start(options);
  const chaos = new Chaos(cluster);
  const violations = await chaos.run(options.minutes);
  const operations = cluster.coordinator.ledger.view.operations.size;
  return { seed: options.seed, violations, log: chaos.log, operations };
}

class Chaos {
  readonly log: string[] = [];
  readonly #cluster: SimulatedCluster;
  #created = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  async run(minutes: number): Promise<readonly string[]> {
    const { clock } = this.#cluster;
    const endMs = clock.now() + minutes * 60_000;
    await this.#say("network", () =>
      this.#cluster.api.networks.createNetwork(
        { spec: encodeNetworkSpec(aNetwork({ name: "blue" })), why: undefined },
        this.#cluster.api.context,
      ),
    );
    await clock.runFor(2_000);
    while (clock.now() < endMs) {
      await this.#deed();
      await clock.runFor(50 + this.#cluster.random.fraction() * 8_000);
      const broken = checkNow(this.#cluster);
      if (broken.length > 0) return broken;
    }
    await this.#heal();
    return checkAtRest(this.#cluster);
  }

  async #deed(): Promise<void> {
    const total = deeds.reduce((sum, [weight]) => sum + weight, 0);
    let dart = this.#cluster.random.fraction() * total;
    for (const [weight, , deed] of deeds) {
      dart -= weight;
      if (dart < 0) return deed(this);
    }
  }

  /** Everything works again, and enough time passes for every limit to run out. */
  async #heal(): Promise<void> {
    this.#note("heal everything");
    await this.#cluster.startCoordinator();
    for (const host of this.#cluster.hostNames) {
      this.#cluster.reconnect(host);
      this.#cluster.world.clearFaults(host);
      this.#cluster.world.boot(host);
      this.#cluster.world.libvirtd(host, "thaw");
      this.#cluster.world.libvirtd(host, "start");
      await this.#cluster.startAgent(host);
    }
    await this.#cluster.clock.runFor(45 * 60_000);
  }

  async create(): Promise<void> {
    if (!this.#cluster.isCoordinatorUp) return;
    this.#created += 1;
    const name = `vm-${String(this.#created)}`;
    const group = this.#cluster.random.fraction() < 0.2 ? ["pair"] : [];
    await this.#say(`create ${name}`, () =>
      this.#cluster.api.vms.createVm(
        {
          spec: {
            name,
            cpus: 1 + Math.floor(this.#cluster.random.fraction() * 4),
            memoryBytes: 512n * MIB * BigInt(1 + Math.floor(this.#cluster.random.fraction() * 8)),
            disks: [{ storage: "shared", sizeBytes: 1024n * MIB, baseVolume: "" }],
            nics: [encodeNic({ network: "blue" })],
            kernel: undefined,
            antiAffinityGroups: group,
            cpuModel: "",
            machineType: "",
          },
          stopped: this.#cluster.random.fraction() < 0.1,
          host: "",
          why: undefined,
        },
        this.#cluster.api.context,
      ),
    );
  }

  async migrate(): Promise<void> {
    const vm = this.#anyVm();
    if (vm === undefined) return;
    await this.#say(`migrate ${vm.name}`, () =>
      this.#cluster.api.vms.migrateVm(
        {
          vm: vm.id,
          host: "",
          bandwidthMibPerSecond: 0,
          noAutoConverge: false,
          copyStorage: false,
          downtimeLimitMs: 0,
          why: undefined,
        },
        this.#cluster.api.context,
      ),
    );
  }

  async change(change: VmChange): Promise<void> {
    const vm = this.#anyVm();
    if (vm === undefined) return;
    await this.#say(`change ${vm.name} ${String(change)}`, () =>
      this.#cluster.api.vms.changeVm(
        { vm: vm.id, change, graceMs: 20_000, keepVolumes: false, why: undefined },
        this.#cluster.api.context,
      ),
    );
  }

  async cancel(): Promise<void> {
    if (!this.#cluster.isCoordinatorUp) return;
    const active = [...this.#cluster.coordinator.ledger.view.operations.values()].filter(
      ({ state }) => state === "running" || state === "queued",
    );
    const operation = this.#pick(active);
    if (operation === undefined) return;
    await this.#say(`cancel ${operation.id} ${operation.type}`, () =>
      this.#cluster.api.operations.cancelOperation(
        { id: operation.id, why: undefined },
        this.#cluster.api.context,
      ),
    );
  }

  async drain(): Promise<void> {
    if (!this.#cluster.isCoordinatorUp) return;
    const host = this.#anyHost();
    await this.#say(`drain ${host}`, () =>
      this.#cluster.api.drains.drainHost(
        { host, copyStorage: false, why: undefined },
        this.#cluster.api.context,
      ),
    );
  }

  /** Opens a host that was closed by a drain; the drain may go on. */
  async undrain(): Promise<void> {
    if (!this.#cluster.isCoordinatorUp) return;
    const { hosts } = this.#cluster.coordinator.ledger.view;
    const closed = this.#pick([...hosts.values()].filter(({ cordoned }) => cordoned));
    if (closed === undefined) return;
    await this.#say(`uncordon ${closed.name}`, () =>
      this.#cluster.api.hosts.setHostCordon(
        { host: closed.id, cordoned: false, why: undefined },
        this.#cluster.api.context,
      ),
    );
  }

  async killCoordinator(): Promise<void> {
    this.#note("kill -9 coordinator");
    this.#cluster.killCoordinator();
    await this.#cluster.clock.runFor(this.#cluster.random.fraction() * 20_000);
    await this.#cluster.startCoordinator();
    this.#note("coordinator starts");
  }

  async killAgent(): Promise<void> {
    const host = this.#anyHost();
    this.#note(`kill -9 agent of ${host}`);
    await this.#cluster.killAgent(host);
    await this.#cluster.clock.runFor(this.#cluster.random.fraction() * 20_000);
    if (this.#cluster.isCoordinatorUp) await this.#cluster.startAgent(host);
    this.#note(`agent of ${host} starts`);
  }

  async restartLibvirtd(): Promise<void> {
    const host = this.#anyHost();
    this.#note(`restart libvirtd of ${host}`);
    this.#cluster.world.libvirtd(host, "restart");
  }

  async powerCut(): Promise<void> {
    const host = this.#anyHost();
    this.#note(`power cut of ${host}`);
    await this.#cluster.powerCut(host);
    await this.#cluster.clock.runFor(this.#cluster.random.fraction() * 120_000);
    await this.#cluster.boot(host);
    this.#note(`${host} boots`);
  }

  async cutOff(): Promise<void> {
    const host = this.#anyHost();
    this.#note(`cut ${host} off`);
    this.#cluster.cutOff(host);
    await this.#cluster.clock.runFor(this.#cluster.random.fraction() * 90_000);
    this.#cluster.reconnect(host);
    this.#note(`${host} is reachable again`);
  }

  async virsh(): Promise<void> {
    const vm = this.#anyVm();
    const host = vm === undefined ? undefined : this.#cluster.world.runningOn(vm.id)[0];
    if (vm === undefined || host === undefined) return;
    const command = this.#pick(["destroy", "suspend", "resume"] as const) ?? "suspend";
    this.#note(`virsh ${command} ${vm.name} on ${host}`);
    this.#cluster.world.virsh(host, vm.id, command);
  }

  async inject(): Promise<void> {
    const host = this.#anyHost();
    const effect = this.#pick([
      { kind: "fail" },
      { kind: "lose-answer" },
      { kind: "slow", extraMs: 5_000 },
    ] as const);
    if (effect === undefined) return;
    this.#note(`next call on ${host}: ${effect.kind}`);
    this.#cluster.world.inject(host, { operation: "any", times: 1, effect });
  }

  #anyHost(): string {
    return this.#pick(this.#cluster.hostNames) ?? "h1";
  }

  #anyVm(): { readonly id: VmId; readonly name: string } | undefined {
    if (!this.#cluster.isCoordinatorUp) return undefined;
    const vm = this.#pick([...this.#cluster.coordinator.ledger.view.vms.values()]);
    return vm === undefined ? undefined : { id: vm.id, name: vm.spec.name };
  }

  #pick<Value>(values: readonly Value[]): Value | undefined {
    return values[Math.floor(this.#cluster.random.fraction() * values.length)];
  }

  /** A refusal is a fine answer; it is written down. */
  async #say(what: string, request: () => Promise<unknown>): Promise<void> {
    try {
      await request();
      this.#note(what);
    } catch (error) {
      this.#note(`${what}: refused: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #note(what: string): void {
    const seconds = (this.#cluster.clock.now() / 1000).toFixed(3).padStart(9);
    this.log.push(`${seconds} ${what}`);
  }
}
