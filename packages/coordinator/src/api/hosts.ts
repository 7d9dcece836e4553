/** Hosts: list, show, invite, cordon, remove. */
import { createHash } from "node:crypto";
import {
  MusterError,
  parseInviteId,
  parseName,
  encodeJoinString,
  type HostId,
  type HostRecord,
  type VmRecord,
  type HostState,
  type InviteRecord,
} from "@muster/model";
import { encodeHostInventory, encodeHostLoad, encodeNetworkObservation } from "@muster/model/wire";
import * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { offSentence } from "../ha/host-off.ts";
import { put, remove, type RecordChange } from "../ledger/ledger.ts";
import { inPieces } from "../ledger/in-pieces.ts";
import { findHost, type LedgerView } from "../ledger/view.ts";
import { rulesNaming } from "../planning/naming-rules.ts";
import { hostUse } from "../planning/host-use.ts";
import { moveClaimsOff, yieldChanges } from "../planning/yielding-claims.ts";
import { coordinatorAddresses } from "../sessions/assignments.ts";
import { encodeTraits } from "./decode-rules.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { encodeDevice } from "./encode-device.ts";
import { encodeVm, encodeWildVm } from "./encode-vm.ts";
import { vmView } from "./vm-view.ts";

export const hostStates: Record<HostState, pb.HostState> = {
  online: pb.HostState.ONLINE,
  unknown: pb.HostState.UNKNOWN,
  joining: pb.HostState.JOINING,
  lost: pb.HostState.LOST,
};

const INVITE_SECONDS_DEFAULT = 3_600;
/** A join string that lives longer is a password on a note. */
const INVITE_SECONDS_MAX = 7 * 24 * 3_600;
/** Forgotten in the transaction that removes the host, which has claims and an entry of the audit trail besides. */
const VMS_WITH_HOST_MAX = 60;
const SECRET_BYTES = 32;
/** Spent and expired invitations are kept this long, so that a late `join` hears why it is refused. */
const INVITE_KEPT_MS = 30 * 24 * 3_600_000;

export function hostHandlers(parts: ApiParts) {
  return {
    async listHosts(
      _request: pb.ListHostsRequest,
      context: CallContext,
    ): Promise<pb.ListHostsResponse> {
      parts.operatorOf(context);
      const hosts = [...parts.ledger.view.hosts.values()].toSorted((left, right) =>
        left.name.localeCompare(right.name),
      );
      return { hosts: hosts.map((host) => encodeHost(host, parts)) };
    },

    async getHost(request: pb.GetHostRequest, context: CallContext): Promise<pb.GetHostResponse> {
      parts.operatorOf(context);
      const host = findHost(parts.ledger.view, request.host);
      return { host: encodeHost(host, parts), vms: vmsOn(host, parts) };
    },

    async inviteHost(
      request: pb.InviteHostRequest,
      context: CallContext,
    ): Promise<pb.InviteHostResponse> {
      const operator = parts.operatorOf(context);
      return inviteHost(request, operator, parts);
    },

    async setHostCordon(
      request: pb.SetHostCordonRequest,
      context: CallContext,
    ): Promise<pb.SetHostCordonResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const host = findHost(parts.ledger.view, request.host);
      if (!why.dryRun && host.cordoned !== request.cordoned) {
        const cordonReason = request.cordoned ? why.reason : "";
        await changeHost(parts, host.id, { cordoned: request.cordoned, cordonReason });
        const word = request.cordoned ? "cordoned" : "uncordoned";
        tell(parts, {
          host: host.name,
          kind: `host-${word}`,
          message: `${word} by ${operator}${because(why.reason)}`,
        });
      }
      return { host: encodeHost(findHost(parts.ledger.view, host.id), parts) };
    },

    async removeHost(
      request: pb.RemoveHostRequest,
      context: CallContext,
    ): Promise<pb.RemoveHostResponse> {
      const operator = parts.operatorOf(context);
      return removeHost(request, operator, parts);
    },
  };
}

const because = (reason: string): string => (reason === "" ? "" : `: ${reason}`);

function tell(
  parts: ApiParts,
  event: { readonly host: string; readonly kind: string; readonly message: string },
): void {
  parts.events.record({ ...event, subject: `host/${event.host}` });
}

async function changeHost(
  parts: ApiParts,
  hostId: HostId,
  change: Partial<HostRecord>,
): Promise<void> {
  await parts.ledger.transact((view) => ({
    changes: [put("host", { ...findHost(view, hostId), ...change })],
    result: undefined,
  }));
}

async function inviteHost(
  request: pb.InviteHostRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.InviteHostResponse> {
  const name = parseName(request.name, "name");
  const why = decodeWhy(request.why);
  const validSeconds = request.validSeconds === 0 ? INVITE_SECONDS_DEFAULT : request.validSeconds;
  if (validSeconds > INVITE_SECONDS_MAX) {
    throw new MusterError(
      "invalid",
      `valid_seconds: ${String(validSeconds)}, at most ${String(INVITE_SECONDS_MAX)} are allowed`,
    );
  }
  const addresses = [
    ...new Set([...parts.about.agentAddresses, ...coordinatorAddresses(parts.ledger.view)]),
  ];
  if (addresses.length === 0) {
    throw new MusterError("wrong-state", "this coordinator has no address that agents could dial", {
      hint: "set agent-addresses in the coordinator's configuration",
    });
  }
  const secret = Buffer.from(parts.random.bytes(SECRET_BYTES)).toString("base64url");
  const wallMs = parts.clock.wall().getTime();
  const invite: InviteRecord = {
    id: parseInviteId(parts.random.uuid()),
    hostName: name,
    secretHash: createHash("sha256").update(secret).digest("hex"),
    expiresAt: new Date(wallMs + validSeconds * 1_000).toISOString(),
  };
  await parts.ledger.transact((view) => {
    if (view.hostByName(name) !== undefined) {
      throw new MusterError("already-exists", `host ${name} is already enrolled`, {
        hint: `to enrol the machine again, first: muster host remove ${name}`,
      });
    }
    const stale = [...view.invites.values()].filter((old) => isStale(old, name, wallMs));
    const changes: RecordChange[] = [
      put("invite", invite),
      ...stale.map((old) => remove("invite", old)),
    ];
    return { changes: why.dryRun ? [] : changes, result: undefined };
  });
  if (why.dryRun) return { joinString: "", expiresAt: invite.expiresAt };
  tell(parts, {
    host: name,
    kind: "host-invited",
    message: `invited by ${operator}${because(why.reason)}`,
  });
  const joinString = encodeJoinString({
    addresses,
    authorityFingerprint: parts.about.authorityFingerprint,
    hostName: name,
    inviteId: parseInviteId(invite.id),
    secret,
    expiresAt: invite.expiresAt,
  });
  return { joinString, expiresAt: invite.expiresAt };
}

/** An unused invitation of the same name is replaced by the new one; old ones go after a month. */
function isStale(invite: InviteRecord, name: string, wallMs: number): boolean {
  if (invite.hostName === name && invite.usedAt === undefined) return true;
  return Date.parse(invite.expiresAt) + INVITE_KEPT_MS < wallMs;
}

/** Throws when somebody works on one of them. */
function idleVmsOn(view: LedgerView, host: HostRecord): readonly VmRecord[] {
  const vms = [...view.vmsOn(host.id).values()];
  const busy = vms.find((vm) => vm.operationId !== undefined);
  if (busy === undefined) return vms;
  const message = `VM ${busy.spec.name} on host ${host.name} is busy with ${busy.operationId ?? ""}`;
  throw new MusterError("busy", message);
}

async function removeHost(
  request: pb.RemoveHostRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.RemoveHostResponse> {
  const why = decodeWhy(request.why);
  const { ledger } = parts;
  const forgotten = new Set<string>();
  if (request.forgetVms && !why.dryRun) {
    // A host full of VMs has more of them than one transaction may change: the last ones go with the host.
    const forgetting = (view: LedgerView): readonly RecordChange[] => {
      const vms = idleVmsOn(view, findHost(view, request.host));
      for (const { spec } of vms) forgotten.add(spec.name);
      return vms.map((vm) => remove("vm", vm));
    };
    await inPieces(ledger, forgetting, VMS_WITH_HOST_MAX);
  }
  const removed = await ledger.transact((view) => {
    const host = findHost(view, request.host);
    const vms = idleVmsOn(view, host);
    if (vms.length > 0 && !request.forgetVms) {
      throw new MusterError("wrong-state", `host ${host.name} has ${String(vms.length)} VMs`, {
        reasons: vms.map((vm) => `${vm.spec.name} is placed there`),
        hint: "migrate or delete them first, or give --forget-vms: they then run on, unmanaged",
      });
    }
    const naming = rulesNaming(view, host.id, new Set(vms.map(({ id }) => id)));
    if (naming.length > 0) {
      throw new MusterError("wrong-state", `rules name host ${host.name}`, {
        reasons: naming,
        hint: "change them first: muster vm set NAME --pin OTHER (or none), --home OTHER (or none)",
      });
    }
    const moved = yieldChanges(view, moveClaimsOff(parts.snapshots.take(), new Set([host.id])));
    const rehomed = new Set(
      moved.flatMap(({ kind, value }) => (kind === "claim" ? [value.name] : [])),
    );
    const homeless = [...view.claims.values()].filter(
      ({ name, hostId }) => hostId === host.id && !rehomed.has(name),
    );
    const changes: RecordChange[] = [
      remove("host", host),
      ...vms.map((vm) => remove("vm", vm)),
      ...moved,
      // Room on a host that is gone is no room.
      ...homeless.map((claim) => remove("claim", claim)),
    ];
    return { changes: why.dryRun ? [] : changes, result: { host, vms } };
  });
  for (const { spec } of removed.vms) forgotten.add(spec.name);
  const forgottenVms = [...forgotten];
  if (why.dryRun) return { forgottenVms };
  parts.observations.forget(removed.host.id);
  tell(parts, {
    host: removed.host.name,
    kind: "host-removed",
    message: `removed by ${operator}${because(why.reason)}`,
  });
  return { forgottenVms };
}

function vmsOn(host: HostRecord, parts: ApiParts): pb.Vm[] {
  const { ledger, observations } = parts;
  const view = ledger.view;
  const ours = [...view.vmsOn(host.id).values()]
    .filter((vm) => vm.placement?.hostId === host.id)
    .map((vm) => encodeVm(vmView(vm, { view, observations }), view));
  return [...ours, ...wildVmsOn(host, parts)].toSorted((left, right) =>
    left.name.localeCompare(right.name),
  );
}

export function wildVmsOn(host: HostRecord, parts: ApiParts): pb.Vm[] {
  const { ledger, observations } = parts;
  const seen = observations.get(host.id)?.vms.values() ?? [];
  const ageMs = observations.silentMs(host.id) ?? 0;
  return [...seen]
    .filter((vm) => !ledger.view.vms.has(vm.id))
    .map((vm) => encodeWildVm(vm, host.name, ageMs));
}

export function encodeHost(host: HostRecord, parts: ApiParts): pb.Host {
  const { observations, ledger, capacity } = parts;
  const observed = observations.get(host.id);
  const use = hostUse(host, { view: ledger.view, observations, capacity });
  return {
    id: host.id,
    name: host.name,
    state: hostStates[observations.stateOf(host)],
    cordoned: host.cordoned,
    cordonReason: host.cordonReason,
    inventory:
      observed?.inventory === undefined ? undefined : encodeHostInventory(observed.inventory),
    load: observed?.load === undefined ? undefined : encodeHostLoad(observed.load),
    capacityCpus: use.capacityCpus,
    capacityMemoryBytes: use.capacityMemoryBytes,
    claimedCpus: use.claimedCpus,
    claimedMemoryBytes: use.claimedMemoryBytes,
    vmCount: use.placed.length,
    wildVmCount: use.wild.length,
    networks: [...(observed?.networks.values() ?? [])].map(encodeNetworkObservation),
    silentMs: BigInt(Math.round(observations.silentMs(host.id) ?? 0)),
    agentVersion: observed?.agentVersion ?? "",
    certificateExpiresAt: host.certificateExpiresAt,
    metricsAddress: observed?.metricsAddress ?? "",
    traits: encodeTraits(host.traits),
    watchdogTimeoutMs: host.watchdog?.timeoutMs ?? 0,
    off: host.off === undefined ? "" : offSentence(host.off),
    fenceDevices: (host.fenceDevices ?? []).map((device) => encodeDevice(device, ledger.view)),
  };
}
