/** Define, start, stop, reboot, pause, resume, delete. Each is idempotent. */
import {
  isActive,
  MusterError,
  type CommandAction,
  type VmId,
  type VmObservation,
  type VmSpec,
} from "@muster/model";
import type { ImageFile } from "../images/image-cache.ts";
import { plugOf, type NicAttachment } from "../networks/network-driver.ts";
import type { CommandContext } from "./command-context.ts";

type Action<Kind extends CommandAction["kind"]> = Extract<CommandAction, { kind: Kind }>;

export async function plugAll(
  context: CommandContext,
  vmId: VmId,
  spec: VmSpec,
): Promise<readonly NicAttachment[]> {
  const attachments: NicAttachment[] = [];
  for (const [index, nic] of spec.nics.entries()) {
    const network = context.assignedNetwork(nic.network);
    if (network === undefined) {
      throw new MusterError(
        "network-failed",
        `network ${nic.network} is not assigned to this host`,
      );
    }
    attachments.push(await context.networks.plug(plugOf({ vmId, index }, nic, network)));
  }
  return attachments;
}

export async function defineVm(
  context: CommandContext,
  action: Action<"define-vm">,
): Promise<void> {
  const { vmId, spec, generation, existingVolumes = false } = action;
  // A blank disk in the place of one that another host cannot see would look like a disk that was lost.
  if (existingVolumes) await context.hypervisor.migration.checkArrival(vmId, spec);
  const isNew = (await context.hypervisor.watch.observe(vmId)) === undefined;
  if (isNew && !existingVolumes) await refuseTakenAddresses(context, spec);
  const attachments = await plugAll(context, vmId, spec);
  const bases = existingVolumes ? [] : await holdImages(context, vmId, spec);
  await context.hypervisor.control.define({
    vmId,
    spec,
    generation,
    clusterId: context.clusterId(),
    operationId: context.commandId.slice(0, context.commandId.indexOf("/")),
    attachments,
    bases,
  });
}

/** Before their first use: an address that somebody has whom muster does not know would take him off the network. */
async function refuseTakenAddresses(
  { takenAddresses }: CommandContext,
  { nics }: VmSpec,
): Promise<void> {
  if (takenAddresses === undefined) return;
  for (const nic of nics) {
    const [first] = await takenAddresses(nic);
    if (first === undefined) continue;
    const [address, by] = first;
    const message = `address ${address} on network ${nic.network} is in use: ${by} answers for it`;
    const hint = `keep it from being given out: muster address reserve ${nic.network} WHO --address ${address}; then create the VM again`;
    throw new MusterError("already-exists", message, { hint });
  }
}

/** From here on this host keeps the images that the VM's disks are made of. */
async function holdImages(
  context: CommandContext,
  vmId: VmId,
  spec: VmSpec,
): Promise<readonly (ImageFile | undefined)[]> {
  const files: (ImageFile | undefined)[] = [];
  for (const [diskIndex, { image }] of spec.disks.entries()) {
    files.push(
      image === undefined ? undefined : await context.images.hold(image, { vmId, diskIndex }),
    );
  }
  return files;
}

export async function startVm(context: CommandContext, action: Action<"start-vm">): Promise<void> {
  const seen = await context.hypervisor.watch.observe(action.vmId);
  if (seen?.state === "running") return;
  if (seen === undefined || !isActive(seen.state)) await plugAll(context, action.vmId, action.spec);
  await context.hypervisor.control.power(action.vmId, "start");
}

/** How often a guest that was asked to shut down is looked at. Its event usually comes first. */
const LOOK_PERIOD_MS = 250;

/** Guests that are still booting miss the button; it is pressed again. */
const PRESS_AGAIN_MS = 10_000;

export async function stopVm(context: CommandContext, action: Action<"stop-vm">): Promise<void> {
  const { control, watch } = context.hypervisor;
  const { vmId, force, graceMs } = action;
  const seen = await watch.observe(vmId);
  if (seen === undefined || !isActive(seen.state)) return;
  if (force) return control.power(vmId, "destroy");
  const untilMs = context.clock.now() + graceMs;
  let pressedAtMs = Number.NEGATIVE_INFINITY;
  while (context.clock.now() < untilMs) {
    context.signal.throwIfAborted();
    if (context.clock.now() - pressedAtMs >= PRESS_AGAIN_MS) {
      await askToShutDown(context, vmId);
      pressedAtMs = context.clock.now();
    }
    await context.clock.sleep(LOOK_PERIOD_MS, context.signal);
    const now = await watch.observe(vmId);
    if (now === undefined || !isActive(now.state)) return;
  }
  const seconds = String(Math.round(graceMs / 1000));
  throw new MusterError("timeout", `the guest did not shut down within ${seconds} s; it runs on`, {
    hint: "give it longer with --grace, or pull the plug with --force",
  });
}

/** The guest may end between the look and the button. */
async function askToShutDown({ hypervisor }: CommandContext, vmId: VmId): Promise<void> {
  try {
    await hypervisor.control.power(vmId, "shutdown");
  } catch (error) {
    const now = await hypervisor.watch.observe(vmId);
    if (now !== undefined && isActive(now.state)) throw error;
  }
}

export async function rebootVm(
  context: CommandContext,
  action: Action<"reboot-vm">,
): Promise<void> {
  await context.hypervisor.control.power(action.vmId, action.force ? "reset" : "reboot");
}

export async function deleteVm(
  context: CommandContext,
  action: Action<"delete-vm">,
): Promise<void> {
  const { vmId, spec, deleteVolumes } = action;
  refuseActive(await context.hypervisor.watch.observe(vmId));
  await context.hypervisor.control.undefine(vmId);
  await context.networks.unplug(vmId);
  if (!deleteVolumes) return;
  await context.hypervisor.control.removeVolumes(vmId, spec);
  // Only now: until its disks are gone they back on them.
  await context.images.release(vmId);
}

export function refuseActive(seen: VmObservation | undefined): void {
  if (seen === undefined || !isActive(seen.state)) return;
  throw new MusterError("wrong-state", `VM ${seen.name} is ${seen.state} on this host`);
}
