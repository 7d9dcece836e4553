/**
 * Joins this machine to a cluster. The coordinator is known before the secret is sent: it must hold a certificate
 * of the authority whose fingerprint the join string carries. Until the very last step nothing is written, so a
 * join that fails leaves nothing behind.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { text as readAll } from "node:stream/consumers";
import {
  MusterError,
  parseClusterId,
  parseHostId,
  parseJoinString,
  parseName,
  type JoinString,
} from "@muster/model";
import { EnrolmentService, type EnrolResponse } from "@muster/proto/dispatch";
import { createCertificateRequest, fetchAuthority } from "@muster/runtime";
import { atLeader } from "./at-leader.ts";
import { checkCertificateAnswer } from "./certificate-answer.ts";
import { createIdentity, hasIdentity, type HostIdentity } from "./identity.ts";

export interface JoinRequest {
  /** As printed by `muster host invite`. */
  readonly joinString: string;
  /** `--name`: the name to join by, whatever the machine is called. */
  readonly hostName?: string;
  /** What the machine calls itself, with or without a domain. */
  readonly machineName: string;
  readonly dataDirectory: string;
  readonly agentVersion: string;
  /** For each address of the coordinator, and for the enrolment itself. */
  readonly timeoutMs: number;
}

/**
 * Throws `wrong-state` when the machine has joined already, `invalid` for a damaged join string or another host's,
 * `unreachable` or `unauthenticated` when the coordinator was not found, and whatever the coordinator refuses with.
 */
export async function join(request: JoinRequest): Promise<HostIdentity> {
  const { dataDirectory, timeoutMs } = request;
  if (await hasIdentity(dataDirectory)) {
    throw new MusterError("wrong-state", "this machine has already joined a cluster", {
      hint: "to join another one, first: muster-agent leave",
    });
  }
  const invitation = parseJoinString(request.joinString);
  const hostName = hostNameFor(request, invitation);
  await checkWritable(dataDirectory);
  const { authority, address } = await fetchAuthority({
    addresses: invitation.addresses,
    fingerprint: invitation.authorityFingerprint,
    timeoutMs,
  });
  const { privateKey, request: certificateRequest } = createCertificateRequest();
  const { secret, inviteId } = invitation;
  const { agentVersion } = request;
  const enrolment = { hostName, secret, inviteId, certificateRequest, agentVersion };
  // The one that answered first, then the others: it may be a standby.
  const addresses = [...new Set([address, ...invitation.addresses])];
  const answer = await atLeader({ addresses, trust: { authority }, timeoutMs }, (client) =>
    client.unary(EnrolmentService.enrol, enrolment, { timeoutMs }),
  );
  const identity = identityFrom(answer, { hostName, privateKey, authority, invitation });
  await createIdentity(dataDirectory, identity);
  return identity;
}

/** "-" stands for standard input: unlike an argument it cannot be seen in the list of processes. */
export async function readJoinString(word: string, input: AsyncIterable<Buffer>): Promise<string> {
  return word === "-" ? readAll(input) : word;
}

function hostNameFor(request: JoinRequest, { hostName: invited }: JoinString): string {
  if (request.hostName !== undefined) {
    const name = parseName(request.hostName, "--name");
    if (name === invited) return name;
    throw otherHost(invited, name, `leave --name out, or give --name ${invited}`);
  }
  const machineName = request.machineName.toLowerCase();
  if (machineName === invited || machineName.split(".")[0] === invited) return invited;
  const hint = `if this machine is to be ${invited}, give --name ${invited}; otherwise: muster host invite ${machineName}`;
  throw otherHost(invited, machineName, hint);
}

function otherHost(invited: string, name: string, hint: string): MusterError {
  return new MusterError("invalid", `the join string is for host ${invited}, this is ${name}`, {
    hint,
  });
}

/** Better to find out before the secret is spent. */
async function checkWritable(dataDirectory: string): Promise<void> {
  try {
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    await rm(await mkdtemp(joinPath(dataDirectory, ".join-")), { recursive: true });
  } catch (cause) {
    throw new MusterError("storage-failed", `failed to write to ${dataDirectory}`, {
      cause,
      hint: "run muster-agent join as root, or name another --data-directory",
    });
  }
}

function identityFrom(
  answer: EnrolResponse,
  known: {
    readonly hostName: string;
    readonly privateKey: string;
    readonly authority: string;
    readonly invitation: JoinString;
  },
): HostIdentity {
  const { hostName, privateKey, authority, invitation } = known;
  const hostId = parseHostId(answer.hostId);
  const clusterId = parseClusterId(answer.clusterId);
  const { certificate } = answer;
  checkCertificateAnswer({ privateKey, certificate, authority, hostId });
  const coordinators = invitation.addresses;
  return { hostId, hostName, clusterId, coordinators, privateKey, certificate, authority };
}
