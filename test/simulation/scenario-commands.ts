/** The language of scenarios: one line, one thing that people, programs or misfortune do. See `scenarios/README.md`. */
import { isEnded, type VmId } from "@muster/model";
import { VmChange } from "@muster/proto/admin";
import {
  createNetworkRequest,
  createVmRequest,
  drainHostRequest,
  migrateVmRequest,
} from "./requests.ts";
import type { ScenarioLog } from "./scenario-log.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import { fairWeather, type Way } from "./simulated-network.ts";

const MIB = 1024n ** 2n;
const why = undefined;

export interface Stage {
  readonly cluster: SimulatedCluster;
  readonly log: ScenarioLog;
  /** Asks and goes on: the answer is logged when it comes. */
  ask(request: () => Promise<unknown>): Promise<void>;
  /** Of the last request that was accepted. */
  lastOperation: string | undefined;
}

export interface Line {
  readonly words: readonly string[];
  /** "memory=2" and the like. */
  readonly options: ReadonlyMap<string, string>;
}

type Command = (stage: Stage, line: Line) => Promise<void> | void;

const word = ({ words }: Line, index: number): string => {
  const found = words[index];
  if (found === undefined) throw new Error(`"${words.join(" ")}" lacks a word`);
  return found;
};

function vmIdOf({ cluster }: Stage, name: string): VmId {
  const vm = cluster.lastView?.vmByName(name);
  if (vm !== undefined) return vm.id;
  for (const host of cluster.hostNames) {
    const wild = cluster.world.domains(host).find((domain) => domain.name === name);
    if (wild !== undefined) return wild.id;
  }
  throw new Error(`there is no VM ${name}`);
}

const wanted = ({ options, words }: Line, name: string) => ({
  name,
  cpus: Number(options.get("cpus") ?? 1),
  memoryBytes: 1024n * MIB * BigInt(options.get("memory") ?? 1),
  ...(options.get("storage") === "none" ? {} : { storage: options.get("storage") ?? "shared" }),
  networks: options.has("network") ? [options.get("network") ?? ""] : [],
  antiAffinityGroups: options.has("group") ? [options.get("group") ?? ""] : [],
  stopped: words.includes("stopped"),
  host: options.get("host") ?? "",
});

const change =
  (kind: VmChange): Command =>
  (stage, line) => {
    const { api } = stage.cluster;
    const graceMs = 1000 * Number(line.options.get("grace") ?? 30);
    const vm = vmIdOf(stage, word(line, 1));
    return stage.ask(() =>
      api.vms.changeVm({ vm, change: kind, graceMs, keepVolumes: false, why }, api.context),
    );
  };

const cordon =
  (cordoned: boolean): Command =>
  (stage, line) => {
    const { api } = stage.cluster;
    return stage.ask(() =>
      api.hosts.setHostCordon({ host: word(line, 1), cordoned, why }, api.context),
    );
  };

export const requestCommands: Readonly<Record<string, Command>> = {
  network: (stage, line) => {
    const { api } = stage.cluster;
    const request = createNetworkRequest(word(line, 1), Number(word(line, 2)));
    return stage.ask(() => api.networks.createNetwork(request, api.context));
  },
  "network-delete": (stage, line) => {
    const { api } = stage.cluster;
    return stage.ask(() =>
      api.networks.deleteNetwork(
        { name: word(line, 1), overrideProtected: false, why },
        api.context,
      ),
    );
  },
  create: (stage, line) => {
    const { api } = stage.cluster;
    const request = createVmRequest(wanted(line, word(line, 1)));
    return stage.ask(() => api.vms.createVm(request, api.context));
  },
  /** Many at the same moment: none waits for the one before it. */
  creates: async (stage, line) => {
    const { api } = stage.cluster;
    const numbers = Array.from({ length: Number(word(line, 2)) }, (_, index) => index + 1);
    await Promise.all(
      numbers.map((number) => {
        const request = createVmRequest(wanted(line, `${word(line, 1)}-${String(number)}`));
        return stage.ask(() => api.vms.createVm(request, api.context));
      }),
    );
  },
  migrate: (stage, line) => {
    const { api } = stage.cluster;
    const request = migrateVmRequest(vmIdOf(stage, word(line, 1)), {
      host: line.words[2] ?? "",
      copyStorage: line.words.includes("copy"),
    });
    return stage.ask(() => api.vms.migrateVm(request, api.context));
  },
  drain: (stage, line) => {
    const { api } = stage.cluster;
    return stage.ask(() => api.drains.drainHost(drainHostRequest(word(line, 1)), api.context));
  },
  cordon: cordon(true),
  uncordon: cordon(false),
  start: change(VmChange.START),
  stop: change(VmChange.STOP),
  "force-stop": change(VmChange.FORCE_STOP),
  reboot: change(VmChange.REBOOT),
  reset: change(VmChange.FORCE_REBOOT),
  pause: change(VmChange.PAUSE),
  resume: change(VmChange.RESUME),
  delete: change(VmChange.DELETE),
  "force-delete": change(VmChange.FORCE_DELETE),
  cancel: (stage) => {
    const { api } = stage.cluster;
    const id = stage.lastOperation ?? "";
    return stage.ask(() => api.operations.cancelOperation({ id, why }, api.context));
  },
  remove: (stage, line) => {
    const { api } = stage.cluster;
    const forgetVms = line.words.includes("forget");
    return stage.ask(() =>
      api.hosts.removeHost({ host: word(line, 1), forgetVms, why }, api.context),
    );
  },
  join: (stage, line) => stage.cluster.enrolAgain(word(line, 1)),
};

const isCoordinator = (line: Line): boolean => word(line, 1) === "coordinator";

export const faultCommands: Readonly<Record<string, Command>> = {
  kill: async (stage, line) => {
    if (isCoordinator(line)) stage.cluster.killCoordinator();
    else await stage.cluster.killAgent(word(line, 1));
  },
  begin: async (stage, line) => {
    if (isCoordinator(line)) {
      await stage.cluster.startCoordinator();
      stage.log.follow(stage.cluster.coordinator);
    } else await stage.cluster.startAgent(word(line, 1));
  },
  libvirtd: ({ cluster }, line) => {
    cluster.world.libvirtd(word(line, 1), word(line, 2) as "kill");
  },
  power: ({ cluster }, line) =>
    word(line, 2) === "off" ? cluster.powerCut(word(line, 1)) : cluster.boot(word(line, 1)),
  cut: ({ cluster }, line) => {
    cluster.cutOff(word(line, 1));
  },
  heal: ({ cluster }, line) => {
    cluster.reconnect(word(line, 1));
    cluster.network.setWeather(word(line, 1), calm);
  },
  block: ({ cluster }, line) => {
    cluster.network.block(word(line, 1), word(line, 2) as Way);
  },
  unblock: ({ cluster }, line) => {
    cluster.network.unblock(word(line, 1), word(line, 2) as Way);
  },
  "cut-link": ({ cluster }, line) => {
    cluster.world.cutLink(word(line, 1), word(line, 2));
  },
  "heal-link": ({ cluster }, line) => {
    cluster.world.healLink(word(line, 1), word(line, 2));
  },
  weather: ({ cluster }, line) => {
    const fraction = (name: string): number => Number(line.options.get(name) ?? 0);
    cluster.network.setWeather(word(line, 1), {
      ...calm,
      latencyMinMs: Number(line.options.get("delay") ?? calm.latencyMinMs),
      lossFraction: fraction("loss"),
      repeatFraction: fraction("repeat"),
      overtakeFraction: fraction("overtake"),
    });
  },
  disk: ({ cluster }, line) => {
    const state = word(line, 2);
    if (isCoordinator(line)) cluster.storeTrouble.isFull = state === "full";
    else cluster.diskOf(word(line, 1)).setTrouble(state === "ok" ? undefined : (state as "full"));
  },
  clock: ({ cluster }, line) => {
    const clock = isCoordinator(line) ? cluster.coordinatorClock : cluster.clockOf(word(line, 1));
    clock.jump(1000 * Number(word(line, 2)));
  },
  virsh: (stage, line) => {
    const vmId = vmIdOf(stage, word(line, 3));
    stage.cluster.world.virsh(word(line, 1), vmId, word(line, 2) as "destroy");
  },
  wild: ({ cluster }, line) => {
    const memoryBytes = 1024n * MIB * BigInt(line.options.get("memory") ?? 1);
    cluster.world.defineWild(word(line, 1), { name: word(line, 2), memoryBytes, running: true });
  },
  fault: ({ cluster }, line) => {
    const kind = word(line, 3);
    const extraMs = 1000 * Number(line.options.get("seconds") ?? 5);
    cluster.world.inject(word(line, 1), {
      operation: word(line, 2) as "any",
      times: Number(line.options.get("times") ?? 1),
      effect: kind === "slow" ? { kind, extraMs } : { kind: kind as "fail" },
    });
  },
  clear: ({ cluster }, line) => {
    cluster.world.clearFaults(word(line, 1));
  },
  guest: (stage, line) => {
    stage.cluster.world.setGuest(vmIdOf(stage, word(line, 1)), {
      ignoresShutdown: line.words.includes("deaf"),
      dirtyBytesPerSecond: MIB * BigInt(line.options.get("dirty") ?? 20),
    });
  },
  "break-network": ({ cluster }, line) => {
    cluster.networksOf(word(line, 1)).failNetwork(word(line, 2), "the switch port is gone");
  },
  "mend-network": ({ cluster }, line) => {
    cluster.networksOf(word(line, 1)).healNetwork(word(line, 2));
  },
};

/** Always the same delay: chance has no place in a golden log. */
export const calm = { ...fairWeather, latencyMinMs: 5, latencySpreadMs: 0 };

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

export function parseDuration(text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new Error(`"${text}" is no duration`);
  return Number(match[1]) * (units[match[2] ?? ""] ?? 0);
}

/** "until op ended", "until step move running", "until web runs h2", "until host h1 online". */
export function conditionOf(stage: Stage, line: Line): () => boolean {
  const [, kind, name, value] = line.words;
  const operation = () =>
    [...(stage.cluster.lastView?.operations.values() ?? [])].find(
      ({ id }) => id === stage.lastOperation,
    );
  if (kind === "op") {
    return () => {
      const state = operation()?.state;
      return state !== undefined && (name === "ended" ? isEnded(state) : state === name);
    };
  }
  if (kind === "step") {
    return () =>
      operation()?.steps.some((step) => step.name === name && step.state === value) ?? false;
  }
  if (kind === "host") {
    return () => {
      const host = stage.cluster.lastView?.hostByName(name ?? "");
      if (host === undefined || !stage.cluster.isCoordinatorUp) return false;
      return stage.cluster.coordinator.observations.stateOf(host) === value;
    };
  }
  const vmId = vmIdOf(stage, kind ?? "");
  return () => stage.cluster.world.runningOn(vmId).includes(value ?? "");
}
