/** What the operating system of a simulated host would say. */
import type { HostLoad } from "@muster/model";
import type { SystemFacts, SystemProbe } from "../../inventory/system-facts.ts";
import type { SimulatedHost } from "./simulated-host.ts";

/** What the host itself takes of its memory, a fraction of 16. */
const OWN_MEMORY_SIXTEENTHS = 1n;

export class SimulatedSystem implements SystemProbe {
  readonly #host: SimulatedHost;

  constructor(host: SimulatedHost) {
    this.#host = host;
  }

  async readFacts(): Promise<SystemFacts> {
    const { facts, uuid, bootId } = this.#host;
    const tail = uuid.slice(-6);
    const mac = `52:54:ff:${tail.slice(0, 2)}:${tail.slice(2, 4)}:${tail.slice(4)}`;
    return {
      hostname: facts.name,
      memoryBytes: facts.memoryBytes,
      logicalCpus: facts.cpus,
      cpu: {
        brand: "Simulated CPU",
        vendor: "Intel",
        sockets: 1,
        physicalCores: facts.cpus,
        frequencyMhz: 2_600,
        architecture: "x86_64",
      },
      nics: [
        {
          name: "eth0",
          mac,
          speedMbit: 10_000,
          addresses: facts.addresses.map((address) => `${address}/24`),
          up: true,
          kind: "wired",
          mtu: 1500,
        },
      ],
      mounts: facts.storages.map(({ name, shared }) => ({
        path: `/srv/${name}`,
        filesystem: shared ? "nfs4" : "ext4",
        source: shared ? `nas:/${name}` : "/dev/vda1",
      })),
      kernel: "6.12.0",
      operatingSystem: "Simulated Linux",
      hardware: "Simulated machine",
      bootId,
      freeHugePages: [],
    };
  }

  async readLoad(): Promise<HostLoad> {
    const { facts } = this.#host;
    const lives = [...this.#host.domains.values()].flatMap(({ live }) => live ?? []);
    const guests = lives.reduce((sum, live) => sum + live.config.spec.memoryBytes, 0n);
    const own = (facts.memoryBytes * OWN_MEMORY_SIXTEENTHS) / 16n;
    const left = facts.memoryBytes - own - guests;
    const running = lives.filter((live) => live.state === "running");
    const cpus = running.reduce((sum, live) => sum + live.config.spec.cpus, 0);
    return {
      // Every simulated guest uses a tenth of its CPUs; see `usageOf`.
      load1m: Math.round(cpus * 10) / 100,
      memoryAvailableBytes: left > 0n ? left : 0n,
      cpuUsedRatio: Math.min(1, cpus / 10 / facts.cpus),
    };
  }
}
