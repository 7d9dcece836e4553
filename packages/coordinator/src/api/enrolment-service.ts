/** Lets machines in, and renews their certificates. */
import { MusterError, parseHostId, parseName, type HostRecord } from "@muster/model";
import {
  EnrolmentService,
  type EnrolRequest,
  type EnrolResponse,
  type RenewRequest,
  type RenewResponse,
} from "@muster/proto/dispatch";
import {
  implement,
  type CallContext,
  type Clock,
  type Log,
  type Random,
  type RpcService,
} from "@muster/runtime";
import { admissionError, admit } from "../authority/admit.ts";
import type { Authority } from "../authority/authority.ts";
import { renewed } from "../authority/certificate-records.ts";
import type { EventLog } from "../events/event-log.ts";
import { put, type Ledger } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { Gatekeeper } from "./gatekeeper.ts";

export interface EnrolmentParts {
  readonly ledger: Ledger;
  readonly authority: Authority;
  readonly gatekeeper: Gatekeeper;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export function enrolmentService(parts: EnrolmentParts): RpcService {
  return implement(EnrolmentService, {
    enrol: (request, context) => enrol(request, context, parts),
    renew: (request, context) => renew(request, context, parts),
  });
}

async function enrol(
  request: EnrolRequest,
  context: CallContext,
  parts: EnrolmentParts,
): Promise<EnrolResponse> {
  const { ledger, authority, events, clock, random, log } = parts;
  const hostName = parseName(request.hostName, "host_name");
  const question = { hostName, inviteId: request.inviteId, secret: request.secret };
  // Judged twice: before the work of signing, and again in the step that spends the invitation.
  const refusal = refuse(question, ledger.view, clock.wall());
  if (refusal !== undefined) {
    const address = context.peer.kind === "local" ? "this machine" : context.peer.address;
    log.warn({ host: hostName, address, why: refusal.message }, "enrolment refused");
    throw refusal;
  }
  const id = parseHostId(random.uuid());
  const issued = await authority.issueHost({
    id,
    name: hostName,
    request: request.certificateRequest,
  });
  const enrolledAt = clock.wall().toISOString();
  const host: HostRecord = {
    id,
    name: hostName,
    cordoned: false,
    cordonReason: "",
    certificateSerial: issued.serial,
    certificateExpiresAt: issued.expiresAt,
    enrolledAt,
    connectedBefore: false,
  };
  await ledger.transact((view) => {
    const late = refuse(question, view, clock.wall());
    if (late !== undefined) throw late;
    const invite = view.invites.get(request.inviteId);
    if (invite === undefined) throw new MusterError("internal", "an admitted invitation is gone");
    return {
      changes: [put("host", host), put("invite", { ...invite, usedAt: enrolledAt })],
      result: undefined,
    };
  });
  log.info({ host: hostName, hostId: id }, "host enrolled");
  events.record({
    kind: "host-enrolled",
    subject: `host/${hostName}`,
    message: "enrolled",
    host: hostName,
  });
  return {
    hostId: id,
    certificate: issued.certificate,
    authority: authority.certificate,
    clusterId: ledger.view.cluster.id,
  };
}

async function renew(
  request: RenewRequest,
  context: CallContext,
  parts: EnrolmentParts,
): Promise<RenewResponse> {
  const { ledger, authority, gatekeeper, log } = parts;
  const { hostId, serial } = gatekeeper.renewingHostOf(context);
  const before = ledger.view.hosts.get(hostId);
  if (before === undefined)
    throw new MusterError("unauthenticated", "the host was removed from the cluster");
  const issued = await authority.issueHost({
    id: hostId,
    name: before.name,
    request: request.certificateRequest,
  });
  await ledger.transact((view) => {
    const host = view.hosts.get(hostId);
    if (host === undefined)
      throw new MusterError("unauthenticated", "the host was removed from the cluster");
    return { changes: [put("host", renewed(host, serial, issued))], result: undefined };
  });
  log.info({ host: before.name, hostId, to: issued.expiresAt }, "host certificate renewed");
  return { certificate: issued.certificate, authority: authority.certificate };
}

interface Question {
  readonly hostName: string;
  readonly inviteId: string;
  readonly secret: string;
}

function refuse(question: Question, view: LedgerView, now: Date): MusterError | undefined {
  const admission = admit({
    invite: view.invites.get(question.inviteId),
    hostName: question.hostName,
    secret: question.secret,
    enrolled: view.hostByName(question.hostName),
    now,
  });
  return admission.ok ? undefined : admissionError(admission);
}
