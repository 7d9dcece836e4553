/** Guards on Open vSwitch. libvirt makes a VM's port, so a port is guarded as soon as it is there. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { isMusterError, MusterError } from "@muster/model";
import type { CommandRunner } from "../networks/command-runner.ts";
import { OneAtATime } from "../networks/one-at-a-time.ts";
import { VM_KEY } from "../networks/openvswitch/openvswitch-marks.ts";
import {
  LIST_OPENVSWITCH,
  parseOpenvswitchState,
  type OpenvswitchBridge,
} from "../networks/openvswitch/openvswitch-state.ts";
import type { NicGuard } from "./nic-guard.ts";
import type { NicGuards } from "./nic-guards.ts";
import { OUR_COOKIES, countCookies, flowsOf, planFlows, type PortFlows } from "./openflow-rules.ts";

/** Of the bridge's protocol: the first with bundles, which change all flows of a port at once. */
const OFCTL: readonly string[] = ["ovs-ofctl", "-O", "OpenFlow14"];

const MONITOR: readonly string[] = [
  ...["ovsdb-client", "monitor", "Open_vSwitch", "Interface", "external_ids,ofport"],
  "--format=json",
];

function startProgram([program = "", ...args]: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
}

function notGuarded(bridge: string, cause: MusterError): MusterError {
  const message = `failed to guard NICs on Open vSwitch bridge ${bridge}`;
  const hint = `ovs-vswitchd must run, and the bridge speak OpenFlow14: ovs-vsctl get Bridge ${bridge} protocols`;
  return new MusterError("network-failed", message, { cause, hint });
}

const nicOf = (vmId: string, mac: string): string => `${vmId} ${mac}`;

/** The ports that libvirt made for VMs; it writes whose they are. A port that does not work has no number. */
function vmPortsOf(
  bridge: OpenvswitchBridge,
): readonly { readonly nic: string; readonly portNumber: number }[] {
  const interfaces = [...bridge.ports.values()].flatMap((port) => port.interfaces);
  return interfaces.flatMap(({ externalIds, portNumber = -1 }) => {
    const [vmId, mac] = [externalIds.get(VM_KEY), externalIds.get("attached-mac")];
    if (vmId === undefined || mac === undefined || portNumber < 0) return [];
    return [{ nic: nicOf(vmId, mac), portNumber }];
  });
}

export class OpenflowGuards implements NicGuards {
  readonly #runner: CommandRunner;
  readonly #turns = new OneAtATime();
  readonly #spawn: (argv: readonly string[]) => ChildProcess;

  constructor(runner: CommandRunner, spawnProgram = startProgram) {
    this.#runner = runner;
    this.#spawn = spawnProgram;
  }

  keep(guards: readonly NicGuard[]): Promise<void> {
    return this.#turns.run(() => this.#keep(guards));
  }

  async #keep(guards: readonly NicGuard[]): Promise<void> {
    const byNic = new Map(guards.map((guard) => [nicOf(guard.vmId, guard.mac), guard]));
    const { bridges } = parseOpenvswitchState({
      tables: await this.#runner.run(LIST_OPENVSWITCH),
      links: "",
    });
    for (const bridge of bridges.values()) {
      const wanted = vmPortsOf(bridge).flatMap(({ nic, portNumber }): readonly PortFlows[] => {
        const guard = byNic.get(nic);
        return guard === undefined ? [] : [flowsOf(guard, portNumber)];
      });
      await this.#keepBridge(bridge.name, wanted);
    }
  }

  async #keepBridge(bridge: string, wanted: readonly PortFlows[]): Promise<void> {
    let dump = "";
    try {
      dump = await this.#ofctl(["dump-flows", bridge, `cookie=${OUR_COOKIES}`], "");
    } catch (cause) {
      // A bridge that does not answer is somebody's business, but only ours when it should guard something.
      if (!isMusterError(cause)) throw cause;
      if (wanted.length > 0) throw notGuarded(bridge, cause);
    }
    const changes = planFlows(countCookies(dump), wanted);
    if (changes.length === 0) return;
    try {
      await this.#ofctl(["--bundle", "add-flows", bridge, "-"], `${changes.join("\n")}\n`);
    } catch (cause) {
      throw isMusterError(cause) ? notGuarded(bridge, cause) : cause;
    }
  }

  #ofctl(words: readonly string[], input: string): Promise<string> {
    return this.#runner.run([...OFCTL, ...words], { input });
  }

  /** ovsdb-client says each change as a line; what changed is read anew, so the lines themselves are not. */
  async watch(onChange: () => void, signal: AbortSignal): Promise<void> {
    const child = this.#spawn(MONITOR);
    const ended = new Promise<void>((resolve) => {
      child.on("close", () => {
        resolve();
      });
      // There is no such program: whoever watches tries again.
      child.on("error", () => {
        resolve();
      });
    });
    const end = (): void => {
      child.kill("SIGKILL");
    };
    signal.addEventListener("abort", end, { once: true });
    if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", onChange);
    await ended;
    signal.removeEventListener("abort", end);
  }
}
