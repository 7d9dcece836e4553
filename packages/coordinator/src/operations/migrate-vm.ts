/**
 * Moves a running VM to the host that was claimed for it when the request was accepted.
 *
 *   prepare      the target checks that the VM can arrive
 *   move         the source's libvirt sends it; the point of no return
 *   settle       the target marks it with the new generation: from here the ledger says it lives there
 *   clean        the source removes what is left of it
 */
import { isMusterError, MusterError, type HostId, type VmId, type VmRecord } from "@muster/model";
import { put } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { moveNeeds } from "./needs.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";
import { heldVm, released } from "./vm-release.ts";
import { whereabouts } from "./whereabouts.ts";

export interface MigrateVmParameters {
  readonly vmId: VmId;
  readonly sourceId: HostId;
  readonly targetId: HostId;
  /** Where migrations to the target go, as its agent said when this was decided. */
  readonly targetAddress: string;
  readonly generation: number;
  /** 0: no limit. */
  readonly bandwidthMibPerSecond: number;
  readonly autoConverge: boolean;
  readonly copyStorage: boolean;
  /** 0: QEMU's default. */
  readonly downtimeLimitMs: number;
  /** Encrypt both the conversation of the two libvirt daemons and the memory stream. */
  readonly tls: boolean;
}

type Context = StepContext<MigrateVmParameters>;
type Step = StepDefinition<MigrateVmParameters>;

/** A migration that does not converge would go on for ever; a day is longer than any sane one. */
const MOVE_LIMIT_MS = 24 * 3_600_000;

/** How long a target that is gone is waited for when the move failed: as long as an agent takes to restart. */
const ABANDON_MS = 10_000;

/** How long both hosts may be unheard in the middle before the operation stops waiting to learn the outcome. */
const WITNESS_LIMIT_MS = 10 * 60_000;
const WITNESS_PERIOD_MS = 500;

const nameOf = (view: LedgerView, hostId: HostId): string => view.hosts.get(hostId)?.name ?? hostId;
const atSource = (view: LedgerView, { sourceId }: MigrateVmParameters): string =>
  nameOf(view, sourceId);
const atTarget = (view: LedgerView, { targetId }: MigrateVmParameters): string =>
  nameOf(view, targetId);

function vmOf(context: Context): VmRecord {
  const vm = context.ledger.view.vms.get(context.parameters.vmId);
  if (vm === undefined) throw new MusterError("not-found", `VM ${context.parameters.vmId} is gone`);
  return vm;
}

const prepare: Step = {
  name: "prepare",
  host: atTarget,
  async run(context) {
    const { vmId, targetId } = context.parameters;
    context.phase("checking that the VM can arrive");
    await context.command(targetId, { kind: "prepare-arrival", vmId, spec: vmOf(context).spec });
  },
  async undo(context) {
    const { vmId, targetId, generation } = context.parameters;
    try {
      const options = { offlineLimitMs: ABANDON_MS };
      await context.command(targetId, { kind: "clean-departure", vmId, generation }, options);
    } catch (error) {
      if (!isMusterError(error) || error.code !== "host-offline") throw error;
      // It lost its power, or will be asked again by the next arrival: the VM runs on at the source, and neither it
      // nor the claim waits for a tap on a host that is gone.
      context.phase("the target is gone; nothing on it needs removing");
    }
  },
};

const move: Step = {
  name: "move",
  host: atSource,
  pointOfNoReturn: true,
  async run(context) {
    try {
      await moveByCommand(context);
    } catch (error) {
      // A clear "no" from the source while the VM still runs there needs no witness but the source's next report.
      await settleDoubt(context, error);
    }
  },
};

async function moveByCommand(context: Context): Promise<void> {
  const { vmId, sourceId, targetId, targetAddress, tls } = context.parameters;
  const { bandwidthMibPerSecond, autoConverge, copyStorage, downtimeLimitMs } = context.parameters;
  if (targetAddress === "") {
    const target = nameOf(context.ledger.view, targetId);
    throw new MusterError(
      "host-offline",
      `host ${target} has not said where migrations to it should go`,
    );
  }
  context.phase("starting the move");
  await context.command(
    sourceId,
    {
      kind: "migrate-vm",
      vmId,
      targetUri: `qemu+${tls ? "tls" : "tcp"}://${targetAddress}/system`,
      bandwidthMibPerSecond,
      autoConverge,
      copyStorage,
      tls,
      downtimeLimitMs,
      migrationAddress: "",
    },
    { limitMs: MOVE_LIMIT_MS, offlineLimitMs: WITNESS_LIMIT_MS },
  );
}

/**
 * The source said that the move failed, or could not say. Who runs the VM decides: on the target, the move has
 * happened after all; on the source, it has not. Waits until the hosts are heard well enough to know.
 */
async function settleDoubt(context: Context, failure: unknown): Promise<void> {
  const { vmId, sourceId, targetId } = context.parameters;
  const { observations, clock, ledger } = context;
  const untilMs = clock.now() + WITNESS_LIMIT_MS;
  // What is known now may be older than the failure: let one round of reports pass first.
  await clock.sleep(WITNESS_PERIOD_MS);
  while (clock.now() < untilMs) {
    const source = observations.get(sourceId);
    const target = observations.get(targetId);
    const where = whereabouts({ source, target, vmId });
    if (where === "at-target") return;
    if (where === "at-source" || where === "nowhere") throw failure;
    // "cancelled" and libvirt's own refusals leave the VM where it was; only the target is not heard.
    if (where === "uncertain" && isDefinite(failure) && source?.connected === true) {
      if (source.vms.get(vmId)?.state === "running") throw failure;
    }
    context.phase(
      `asking ${nameOf(ledger.view, sourceId)} and ${nameOf(ledger.view, targetId)} where the VM runs`,
    );
    await clock.sleep(WITNESS_PERIOD_MS);
  }
  throw new MusterError(
    "host-offline",
    "the outcome of the move is unknown: neither host could be asked",
    {
      cause: failure,
      hint: "when the hosts are back, the VM shows where it runs; nothing was started or stopped",
    },
  );
}

const isDefinite = (failure: unknown): boolean =>
  isMusterError(failure) && (failure.code === "cancelled" || failure.code === "hypervisor-failed");

const settle: Step = {
  name: "settle",
  host: atTarget,
  async run(context) {
    const { vmId, targetId, generation } = context.parameters;
    await adopt(context);
    context.phase("marking the VM as living on the target");
    await context.command(targetId, { kind: "finish-arrival", vmId, generation });
  },
};

/** From here the ledger says that the VM lives on the target; the source's share is free again. */
async function adopt({ ledger, parameters, operation }: Context): Promise<void> {
  const { vmId, targetId, generation } = parameters;
  await ledger.transact((view) => {
    const vm = heldVm(view, operation, vmId);
    if (vm === undefined || vm.placement?.hostId === targetId)
      return { changes: [], result: undefined };
    const { target: _target, ...rest } = vm;
    return {
      changes: [put("vm", { ...rest, placement: { hostId: targetId, generation } })],
      result: undefined,
    };
  });
}

const clean: Step = {
  name: "clean",
  host: atSource,
  async run(context) {
    const { vmId, sourceId, generation } = context.parameters;
    context.phase("removing what is left on the source");
    await context.command(sourceId, { kind: "clean-departure", vmId, generation: generation - 1 });
  },
};

export const migrateVm: OperationType<MigrateVmParameters> = {
  name: "vm-migrate",
  verb: "migrate",
  needs: ({ view }, { sourceId, targetId }) => moveNeeds(view, sourceId, targetId),
  steps: () => [prepare, move, settle, clean],
  ended(view, operation) {
    const vm = heldVm(view, operation, operation.parameters.vmId);
    if (vm === undefined) return [];
    const { target: _target, away, ...placed } = released(vm);
    // Back where a drain took it from: that is no longer remembered.
    const isBack = away === undefined || away === placed.placement?.hostId;
    return [put("vm", isBack ? placed : { ...placed, away })];
  },
};
