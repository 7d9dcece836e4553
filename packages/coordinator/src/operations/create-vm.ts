/** Creates a VM on the host that was claimed for it when the request was accepted, and starts it. */
import {
  MusterError,
  type HostId,
  type VmId,
  type VmRecord,
  type ImageDigest,
} from "@muster/model";
import { put } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import { fetchImage } from "./fetch-image.ts";
import { volumeNeeds } from "./needs.ts";
import type { OperationType, StepContext, StepDefinition } from "./operation-type.ts";
import { forget, heldVm, isUndone, released } from "./vm-release.ts";

export interface CreateVmParameters {
  readonly vmId: VmId;
  readonly start: boolean;
  /** Its guest is told about itself. */
  readonly seed?: true;
  /** Of images its disks are made of; absent: none. */
  readonly images?: readonly ImageDigest[];
}

type Context = StepContext<CreateVmParameters>;

/** What an operation that makes this VM must know of it. */
export function parametersOf({ id: vmId, spec }: VmRecord, start: boolean): CreateVmParameters {
  const images = [...new Set(spec.disks.flatMap(({ image }) => image ?? []))];
  return images.length === 0 ? { vmId, start } : { vmId, start, images };
}

export function placedVm(
  view: LedgerView,
  vmId: VmId,
): VmRecord & Required<Pick<VmRecord, "placement">> {
  const vm = view.vms.get(vmId);
  if (vm?.placement === undefined)
    throw new MusterError("not-found", `VM ${vmId} is not placed on any host`);
  return { ...vm, placement: vm.placement };
}

export const hostNameOf = (
  view: LedgerView,
  { vmId }: { readonly vmId: VmId },
): string | undefined => {
  const hostId = view.vms.get(vmId)?.placement?.hostId;
  return hostId === undefined ? undefined : view.hosts.get(hostId)?.name;
};

/** A large disk at a slow storage's pace. */
const COPY_LIMIT_MS = 6 * 3_600_000;

const fetchImages: StepDefinition<CreateVmParameters> = {
  name: "fetch-image",
  host: hostNameOf,
  async run(context) {
    const { vmId, images = [] } = context.parameters;
    const { placement } = placedVm(context.ledger.view, vmId);
    for (const digest of images) {
      context.phase("looking for the image");
      await fetchImage(context, { hostId: placement.hostId, digest });
    }
  },
};

const define: StepDefinition<CreateVmParameters> = {
  name: "define",
  host: hostNameOf,
  async run(context: Context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    context.phase("creating volumes and defining the domain");
    const { generation } = placement;
    const isCopied = spec.disks.some(({ imageMode = "overlay" }) => imageMode !== "overlay");
    await context.command(
      placement.hostId,
      { kind: "define-vm", vmId, spec, generation },
      isCopied ? { limitMs: COPY_LIMIT_MS } : {},
    );
  },
  async undo(context: Context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    context.phase("removing the domain and its volumes");
    await context.command(placement.hostId, { kind: "delete-vm", vmId, spec, deleteVolumes: true });
  },
};

/** An older agent would take the command for a broken session, again and again. */
function refuseOldAgent({ ledger, observations }: Context, hostId: HostId): void {
  const observed = observations.get(hostId);
  if (observed === undefined || observed.knowsSeeds) return;
  const name = ledger.view.hosts.get(hostId)?.name ?? hostId;
  const message = `the agent of host ${name} (${observed.agentVersion}) knows no contexts`;
  throw new MusterError("version-mismatch", message, {
    hint: "upgrade it, or choose another host",
  });
}

/** Before the first start: a guest looks for it once. */
const seed: StepDefinition<CreateVmParameters> = {
  name: "seed",
  host: hostNameOf,
  async run(context: Context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    refuseOldAgent(context, placement.hostId);
    context.phase("writing the disk with the context");
    await context.command(placement.hostId, { kind: "place-seed", vmId, spec });
  },
  async undo(context: Context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    await context.command(placement.hostId, { kind: "remove-seed", vmId, spec });
  },
};

const start: StepDefinition<CreateVmParameters> = {
  name: "start",
  host: hostNameOf,
  async run(context: Context) {
    const { id: vmId, spec, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    context.phase("starting");
    await context.command(placement.hostId, { kind: "start-vm", vmId, spec });
  },
  async undo(context: Context) {
    const { id: vmId, placement } = placedVm(context.ledger.view, context.parameters.vmId);
    // Nobody was given this VM yet, so its plug may be pulled (S2).
    await context.command(placement.hostId, { kind: "stop-vm", vmId, force: true, graceMs: 0 });
  },
};

export const createVm: OperationType<CreateVmParameters> = {
  name: "vm-create",
  verb: "create",
  needs: (sources, { vmId }) => {
    const vm = sources.view.vms.get(vmId);
    return volumeNeeds(sources, vm?.placement?.hostId, vm?.spec);
  },
  steps: ({ start: wanted, seed: hasSeed, images = [] }) => [
    ...(images.length === 0 ? [] : [fetchImages]),
    define,
    ...(hasSeed === true ? [seed] : []),
    ...(wanted ? [start] : []),
  ],
  ended(view, operation, outcome) {
    const { vmId } = operation.parameters;
    if (outcome !== "succeeded" && isUndone(operation)) return forget(view, operation, vmId);
    const vm = heldVm(view, operation, vmId);
    if (vm === undefined) return [];
    return [put("vm", { ...released(vm), created: outcome === "succeeded" })];
  },
};
