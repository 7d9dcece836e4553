/**
 * Makes certain that a host is off, then sees its VMs restarted elsewhere.
 *
 *   fence     the ladder: is it back? what does its storage say? its watchdog, its power, in this order of harm
 *   restart   the VMs that are to run, the most important first; `reconcilers/restart-vms.ts` starts them
 *
 * It proves before it records, and records before anything is started (S1). A host that is heard again ends it.
 */
import {
  MusterError,
  policyOf,
  isGuarded,
  type FenceDevice,
  type HostId,
  type HostOff,
  type HostRecord,
} from "@muster/model";
import { brakeOf } from "../ha/brakes.ts";
import { orderFor, outcomeOf, type Fencing } from "../ha/fencing.ts";
import { recordOff } from "../ha/host-off.ts";
import type { Leases } from "../ha/leases.ts";
import { strandedOn } from "../ha/plan-restarts.ts";
import { storageSign } from "../ha/storage-signs.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";

export interface RecoverHostParameters {
  readonly hostId: HostId;
  /** A person asked for it: the brakes do not hold it, and the host may still be connected. */
  readonly byPerson: boolean;
}

export interface RecoverHostHelp {
  readonly leases: Pick<Leases, "watchdogActedAtMs">;
  readonly fencing: Fencing;
}

type Context = StepContext<RecoverHostParameters>;

const LOOK_PERIOD_MS = 1_000;
/** A board that has switched the power off shows it within seconds. */
const POWER_LOOKS_MAX = 10;
const POWER_LOOK_MS = 2_000;
/** Longer than a fence agent may take. */
const PEER_LIMIT_MS = 120_000;
const PEER_OFFLINE_MS = 10_000;
/** Peers asked about the storage heartbeat: more know no more. */
const PEERS_ASKED_MAX = 2;
/** How long no VM may get on before the operation ends and says what is left; the reconciler goes on. */
const IDLE_LIMIT_MS = 3 * 60_000;

const hostOf = ({ ledger, parameters }: Context): HostRecord => {
  const host = ledger.view.hosts.get(parameters.hostId);
  if (host === undefined) throw new MusterError("not-found", "the host was removed");
  return host;
};

const hostName = (view: LedgerView, { hostId }: RecoverHostParameters): string =>
  view.hosts.get(hostId)?.name ?? hostId;

/** Throws when the host is heard again: there is nothing to recover, and nothing may be switched off. */
function checkGone(context: Context): void {
  const { observations, parameters } = context;
  if (parameters.byPerson || observations.get(parameters.hostId)?.connected !== true) return;
  throw new MusterError("wrong-state", `host ${hostOf(context).name} is back`);
}

const fence = (help: RecoverHostHelp): StepDefinition<RecoverHostParameters> => ({
  name: "fence",
  host: hostName,
  async run(context) {
    const problems: string[] = [];
    let isAsked = false;
    for (;;) {
      const host = hostOf(context);
      if (host.off !== undefined) return;
      context.signal.throwIfAborted();
      checkGone(context);
      const inMs = guardEndsInMs(context, help, host);
      if (inMs !== undefined && inMs <= 0) {
        const by = "its lease ended and its watchdog has reset it";
        if (await provenOff(context, { how: "watchdog", by })) return;
        // Its agent has just dialled: a moment, and it is back, or gone for good.
        await context.clock.sleep(LOOK_PERIOD_MS, context.stopping);
        continue;
      }
      if (!isAsked && (host.fenceDevices ?? []).length > 0) {
        isAsked = true;
        const problem = await powerOff(context, help, host);
        if (problem === undefined) return;
        problems.push(...problem);
        continue;
      }
      if (inMs === undefined) throw unproven(host, problems);
      context.phase(`its watchdog has reset it in ${String(Math.ceil(inMs / 1_000))} s`);
      await context.clock.sleep(LOOK_PERIOD_MS, context.stopping);
    }
  },
});

const unproven = (host: HostRecord, problems: readonly string[]): MusterError =>
  new MusterError("wrong-state", `it is not certain that host ${host.name} is off`, {
    reasons: problems.length > 0 ? problems : ["it has no fence device and no armed watchdog"],
    hint: `look at the machine; if it is off: muster host fence ${host.name} --i-confirm-it-is-off`,
  });

/** Undefined: it has no watchdog, or none of its VMs is guarded by it. */
function guardEndsInMs(
  { ledger, clock, parameters, observations }: Context,
  { leases }: RecoverHostHelp,
  host: HostRecord,
): number | undefined {
  if (observations.get(parameters.hostId)?.connected === true) return undefined;
  const actedAtMs = leases.watchdogActedAtMs(host);
  const guarded = strandedOn(ledger.view, host.id).some((vm) => isGuarded(policyOf(vm.spec)));
  return actedAtMs === undefined || !guarded ? undefined : actedAtMs - clock.now();
}

async function provenOff(
  context: Context,
  off: Pick<HostOff, "how" | "by">,
  session = context.observations.sessionsOf(context.parameters.hostId),
): Promise<boolean> {
  const { clock, parameters } = context;
  checkGone(context);
  const at = clock.wall().toISOString();
  return recordOff(context, parameters.hostId, { off: { ...off, at }, session });
}

/** Undefined: its power is off, and that is recorded. */
async function powerOff(
  context: Context,
  help: RecoverHostHelp,
  host: HostRecord,
): Promise<readonly string[] | undefined> {
  const { byPerson } = context.parameters;
  if (!byPerson) {
    const held = brakeNow(context) ?? (await livesOnStorage(context, host));
    if (held !== undefined) return [held];
  }
  const session = context.observations.sessionsOf(host.id);
  const problems: string[] = [];
  for (const [index, device] of (host.fenceDevices ?? []).entries()) {
    const name = `device-${String(index)}`;
    context.phase(`switching its power off with ${device.agent}`);
    try {
      await runDevice(context, help, { device, action: "off", suffix: name });
      for (let looks = 0; looks < POWER_LOOKS_MAX; looks += 1) {
        const suffix = `${name}-look-${String(looks)}`;
        const { power } = await runDevice(context, help, { device, action: "status", suffix });
        const by = `${device.agent} says its power is off`;
        if (power === "off" && (await provenOff(context, { how: "power", by }, session))) {
          return undefined;
        }
        await context.clock.sleep(POWER_LOOK_MS, context.stopping);
      }
      problems.push(`${device.agent}: the power was not off after it was switched off`);
    } catch (error) {
      context.stopping.throwIfAborted();
      const { message, cause } = error instanceof Error ? error : new Error(String(error));
      problems.push(
        `${device.agent}: ${message}${cause instanceof Error ? `: ${cause.message}` : ""}`,
      );
    }
  }
  return problems;
}

const brakeNow = ({ ledger, observations }: Context): string | undefined =>
  brakeOf({
    hosts: [...ledger.view.hosts.values()],
    stateOf: (host) => observations.stateOf(host),
  });

/** A sentence when peers see the host write to shared storage: its network is broken, not the host. */
async function livesOnStorage(context: Context, host: HostRecord): Promise<string | undefined> {
  const peers = onlinePeers(context).slice(0, PEERS_ASKED_MAX);
  context.phase("asking other hosts whether it still writes to shared storage");
  const found = await Promise.all(
    peers.map(async (peer) => {
      try {
        const { findings = [] } = await context.command(
          peer.id,
          { kind: "read-storage-heartbeat", hostId: host.id },
          { suffix: `signs-${peer.name}`, limitMs: PEER_LIMIT_MS, offlineLimitMs: PEER_OFFLINE_MS },
        );
        return findings;
      } catch {
        context.stopping.throwIfAborted();
        return [];
      }
    }),
  );
  if (storageSign(found.flat()) !== "moving") return undefined;
  return `host ${host.name} still writes to shared storage: it lives, and only its network is broken`;
}

const onlinePeers = ({ ledger, observations, parameters }: Context): readonly HostRecord[] =>
  [...ledger.view.hosts.values()].filter(
    (host) => host.id !== parameters.hostId && observations.stateOf(host) === "online",
  );

async function runDevice(
  context: Context,
  { fencing }: RecoverHostHelp,
  what: {
    readonly device: FenceDevice;
    readonly action: "off" | "status";
    readonly suffix: string;
  },
) {
  const { device, action, suffix } = what;
  const order = orderFor(device, action, fencing.seal);
  if (device.viaHostId === undefined) return fencing.runner.run(order);
  const limits = { limitMs: PEER_LIMIT_MS, offlineLimitMs: PEER_OFFLINE_MS };
  const { findings } = await context.command(device.viaHostId, order, { suffix, ...limits });
  return outcomeOf(findings);
}

const restart: StepDefinition<RecoverHostParameters> = {
  name: "restart",
  host: hostName,
  async run(context) {
    const { ledger, clock, parameters, stopping } = context;
    const stranded = () => strandedOn(ledger.view, parameters.hostId);
    let left = stranded();
    let movedAtMs = clock.now();
    while (left.length > 0) {
      context.signal.throwIfAborted();
      const names = left.slice(0, 5).map((vm) => vm.spec.name);
      context.phase(`${String(left.length)} VMs wait to be restarted: ${names.join(", ")}`);
      await clock.sleep(LOOK_PERIOD_MS, stopping);
      checkGone(context);
      const now = stranded();
      if (now.length !== left.length) movedAtMs = clock.now();
      left = now;
      if (left.length > 0 && clock.now() - movedAtMs > IDLE_LIMIT_MS) {
        throw new MusterError("wrong-state", `${String(left.length)} VMs could not be restarted`, {
          reasons: left.map((vm) => `${vm.spec.name}: see muster ha status`),
          hint: "free or add capacity: they are restarted as soon as there is room for them",
        });
      }
    }
  },
};

export const recoverHost = (help: RecoverHostHelp): OperationType<RecoverHostParameters> => {
  const steps = [fence(help), restart];
  return {
    name: "host-recover",
    verb: "recover",
    steps: () => steps,
    // What is certain of the host, and where its VMs are, stands in their records.
    ended: () => [],
  };
};
