/**
 * A muster cluster on the lab as tests see it: the public API on a connection of its own (a process for every look
 * would be too slow for what they measure), libvirt's own word on every host, and daemons that are killed and come back.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { MusterError } from "@muster/model";
import { encodeNic, type NicDraft } from "@muster/model/wire";
import {
  AdminService,
  OperationState,
  StepState,
  VmChange,
  VmDisplayState,
  type CreateVmRequest,
  type MigrateVmRequest,
  type Operation,
  type Vm,
} from "@muster/proto/admin";
import { connect, type RpcClient } from "@muster/runtime";
import { buildPrograms } from "../../scripts/build.ts";
import { CommandError, Lab, waitFor } from "./lab.ts";
import { MusterLab, type MusterLabOptions } from "./muster-lab.ts";

export const MIB = 1024n * 1024n;

/** A VM for `Cluster.createVm`. Without `guest` it has an empty disk: it runs, and costs nothing. */
export interface ClusterVm {
  readonly name: string;
  readonly host?: string;
  readonly cpus?: number;
  readonly network?: string;
  /** Instead of `network`. */
  readonly nics?: readonly NicDraft[];
  readonly stopped?: boolean;
  /** Kernel parameters of the tiny guest, "addr=10.10.0.1/24"; its name is passed in any case. */
  readonly guest?: string;
}

const ended: readonly OperationState[] = [
  OperationState.SUCCEEDED,
  OperationState.FAILED,
  OperationState.CANCELLED,
];

/** Longer than any operation of a test that goes well, with two processors for everything. */
const OPERATION_LIMIT_MS = 60_000;

export class Cluster implements AsyncDisposable {
  readonly muster: MusterLab;
  readonly #client: RpcClient;

  private constructor(muster: MusterLab, client: RpcClient) {
    this.muster = muster;
    this.#client = client;
  }

  /** Builds the programs as they are now and brings everything up; nothing of an earlier run is left. */
  static async up(options: MusterLabOptions & { readonly directory: string }): Promise<Cluster> {
    const { directory } = options;
    // Its own copy: whoever builds meanwhile does not change what daemons that come back are.
    const programs = programsOf(directory);
    await mkdir(programs, { recursive: true });
    await Promise.all([buildPrograms(undefined, programs), Lab.down({ directory })]);
    const muster = await MusterLab.up({ ...options, programs });
    const address = `unix://${muster.socketPath}`;
    return new Cluster(muster, await connect({ addresses: [address], timeoutMs: 10_000 }));
  }

  /** The command line of a program of ours, for a machine of the lab. */
  program(name: "muster" | "muster-agent" | "muster-coordinator", ...words: string[]): string[] {
    return [process.execPath, join(programsOf(this.lab.directory), `${name}.mjs`), ...words];
  }

  get lab(): Lab {
    return this.muster.lab;
  }

  async vm(name: string): Promise<Vm> {
    const { vm } = await this.#client.unary(AdminService.getVm, { vm: name });
    if (vm === undefined) throw new Error(`the coordinator gave no VM ${name}`);
    return vm;
  }

  /** Undefined: there is no such VM. */
  async vmIfAny(name: string): Promise<Vm | undefined> {
    const { vms } = await this.#client.unary(AdminService.listVms, {
      includeWild: true,
      host: "",
    });
    return vms.find((vm) => vm.name === name);
  }

  /** Those that are managed. */
  async vms(): Promise<readonly Vm[]> {
    const { vms } = await this.#client.unary(AdminService.listVms, {
      includeWild: false,
      host: "",
    });
    return vms;
  }

  /** By force: whatever it does. */
  async removeVm(vm: string): Promise<Operation> {
    const request = {
      vm,
      change: VmChange.FORCE_DELETE,
      graceMs: 0,
      keepVolumes: false,
      why: undefined,
    };
    return accepted((await this.#client.unary(AdminService.changeVm, request)).operation);
  }

  /** "running", "missing": the word that `muster vm ls` shows. */
  async stateOf(name: string): Promise<string> {
    const vm = await this.vmIfAny(name);
    if (vm === undefined) return "absent";
    return wordOf(VmDisplayState, vm.state).toLowerCase();
  }

  async claimedCpus(): Promise<number> {
    const { hosts } = await this.#client.unary(AdminService.listHosts, {});
    return hosts.reduce((sum, host) => sum + host.claimedCpus, 0);
  }

  /** Asks for a VM; resolves when it is accepted. Rejects with the coordinator's MusterError. */
  async createVm(vm: ClusterVm): Promise<Operation> {
    const request: CreateVmRequest = {
      spec: {
        name: vm.name,
        cpus: vm.cpus ?? 1,
        memoryBytes: 128n * MIB,
        disks: [{ storage: "shared", sizeBytes: 64n * MIB, baseVolume: "" }],
        nics: (vm.nics ?? (vm.network === undefined ? [] : [{ network: vm.network }])).map(
          encodeNic,
        ),
        kernel:
          vm.guest === undefined
            ? undefined
            : {
                kernelPath: "/srv/shared/guest/vmlinuz",
                initrdPath: "/srv/shared/guest/initrd.gz",
                commandLine: `console=ttyS0 quiet name=${vm.name} ${vm.guest}`,
              },
        antiAffinityGroups: [],
        cpuModel: "",
        machineType: "",
        ha: undefined,
      },
      stopped: vm.stopped ?? false,
      rules: undefined,
      claim: "",
      host: vm.host ?? "",
      why: { reason: "", dryRun: false, requestId: "" },
    };
    return accepted((await this.#client.unary(AdminService.createVm, request)).operation);
  }

  async createNetwork(name: string, vlan: number): Promise<void> {
    const { exitCode, stderr } = await this.muster.muster([
      ...["network", "create", name, "--vlan", String(vlan)],
    ]);
    if (exitCode !== 0) throw new Error(`network ${name} could not be made: ${stderr}`);
  }

  async migrateVm(
    vm: string,
    options: Partial<Pick<MigrateVmRequest, "host" | "bandwidthMibPerSecond">> = {},
  ): Promise<Operation> {
    const request: MigrateVmRequest = {
      vm,
      host: "",
      bandwidthMibPerSecond: 0,
      noAutoConverge: false,
      copyStorage: false,
      downtimeLimitMs: 0,
      ...options,
      why: { reason: "", dryRun: false, requestId: "" },
    };
    return accepted((await this.#client.unary(AdminService.migrateVm, request)).operation);
  }

  async operation(id: string): Promise<Operation> {
    return accepted((await this.#client.unary(AdminService.getOperation, { id })).operation);
  }

  /** Watches the operation until `found`; a lost coordinator is waited for. */
  async follow(
    id: string,
    found: (operation: Operation) => boolean,
    limitMs = OPERATION_LIMIT_MS,
  ): Promise<Operation> {
    const limit = AbortSignal.timeout(limitMs);
    let last: Operation | undefined;
    while (!limit.aborted) {
      try {
        const watched = this.#client.watch(AdminService.watchOperation, { id }, { signal: limit });
        for await (const { operation } of watched) {
          last = accepted(operation);
          if (found(last)) return last;
        }
      } catch (error) {
        if (!(error instanceof MusterError) || error.code !== "unreachable") throw error;
        await this.#client.dial(1_000);
      }
    }
    throw new Error(`operation ${id} did not come so far in ${String(limitMs)} ms: ${said(last)}`);
  }

  /** Gives the operation when it has ended, however it did. */
  ended(id: string, limitMs?: number): Promise<Operation> {
    return this.follow(id, ({ state }) => ended.includes(state), limitMs);
  }

  /** @throws Error with what it said when it ended in another way */
  async succeeded(operation: Operation): Promise<Operation> {
    const last = await this.ended(operation.id);
    if (last.state !== OperationState.SUCCEEDED)
      throw new Error(`operation ${last.id} did not succeed: ${said(last)}`);
    return last;
  }

  /** Resolves when the step runs, or is over already, or when the whole operation is. */
  async reached(id: string, step: string): Promise<Operation> {
    return this.follow(
      id,
      ({ state, steps }) =>
        ended.includes(state) ||
        steps.some((each) => each.name === step && each.state !== StepState.WAITING),
    );
  }

  /** Resolves when a migration has sent some of the guest's memory. */
  async transferring(id: string): Promise<void> {
    const last = await this.follow(
      id,
      ({ state, migration }) => ended.includes(state) || (migration?.processedBytes ?? 0n) > 0n,
    );
    if (ended.includes(last.state)) throw new Error(`the migration ended at once: ${said(last)}`);
  }

  /** Waits until `muster vm ls` would show the VM in this state. */
  async shows(name: string, state: string, limitMs = 5_000): Promise<void> {
    let last = "";
    const look = async (): Promise<boolean> => (last = await this.stateOf(name)) === state;
    await waitFor(`VM ${name} to be ${state}`, look, {
      timeoutMs: limitMs,
      everyMs: 10,
      explain: () => `it is ${last}`,
    });
  }

  /** libvirt's own word, host by host: "h1 running". Hosts that do not have the domain are left out. */
  async sightings(name: string): Promise<readonly string[]> {
    const seen = await Promise.all(
      this.lab.hosts.map(async (host) => {
        try {
          return `${host.name} ${await this.lab.virsh(host.name, ["domstate", name])}`;
        } catch (error) {
          if (error instanceof CommandError && error.stderr.includes("failed to get domain"))
            return "";
          throw error;
        }
      }),
    );
    return seen.filter((line) => line !== "");
  }

  /** `muster vm ls` as a person sees it: "running on h1". */
  async listed(name: string): Promise<string> {
    const vms = await this.muster.json<
      readonly { readonly name: string; readonly state: string; readonly host: string }[]
    >(["vm", "ls"]);
    const vm = vms.find((each) => each.name === name);
    return vm === undefined ? "absent" : `${vm.state} on ${vm.host}`;
  }

  async killCoordinator(): Promise<void> {
    const { coordinator } = this.muster;
    await coordinator.kill("SIGKILL");
    await coordinator.exited;
  }

  async killAgent(host: string): Promise<void> {
    const agent = this.muster.agent(host);
    await agent.kill("SIGKILL");
    await agent.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    const { directory } = this.lab;
    await this.muster[Symbol.asyncDispose]();
    await rm(programsOf(directory), { recursive: true });
  }
}

const programsOf = (directory: string): string => `${directory}.programs`;

function accepted(operation: Operation | undefined): Operation {
  if (operation === undefined) throw new Error("the coordinator gave no operation");
  return operation;
}

const wordOf = (words: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(words).find((word) => words[word] === value) ?? String(value);

/** It runs, in whatever way, as the API shows it. */
export const isActiveState = (state: VmDisplayState): boolean =>
  state === VmDisplayState.RUNNING ||
  state === VmDisplayState.PAUSED ||
  state === VmDisplayState.STOPPING;

/** What an operation says of itself, in a line. */
export function said(operation: Operation | undefined): string {
  if (operation === undefined) return "nothing was heard of it";
  const steps = operation.steps.map(
    ({ name, state, phase }) => `${name} ${wordOf(StepState, state)} ${phase}`,
  );
  const { error } = operation;
  const why =
    error === undefined ? "" : `; ${error.message}: ${error.cause} ${error.reasons.join("; ")}`;
  return `${wordOf(OperationState, operation.state)} [${steps.join(", ")}]${why}`;
}
