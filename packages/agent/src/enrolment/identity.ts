/**
 * Who this host is: a directory in the agent's data directory that exists exactly when the machine has joined.
 * Key and certificate share one file, so that renewing them replaces both or neither.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  MusterError,
  parseClusterId,
  parseHostId,
  parseName,
  type ClusterId,
  type HostId,
} from "@muster/model";
import {
  createDirectoryWith,
  replaceFile,
  type ClientTrust,
  type TlsIdentity,
} from "@muster/runtime";

export interface HostIdentity {
  readonly hostId: HostId;
  readonly hostName: string;
  readonly clusterId: ClusterId;
  /** Addresses of the coordinator, tried in order. */
  readonly coordinators: readonly string[];
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** PEM, without the authority's. */
  readonly certificate: string;
  /** PEM. */
  readonly authority: string;
}

const DIRECTORY = "identity";
const KEY_AND_CERTIFICATE_FILE = "host.pem";
const AUTHORITY_FILE = "authority.pem";
const DESCRIPTION_FILE = "identity.json";

const identityDirectory = (dataDirectory: string): string => join(dataDirectory, DIRECTORY);

export async function hasIdentity(dataDirectory: string): Promise<boolean> {
  try {
    await stat(identityDirectory(dataDirectory));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw new MusterError("storage-failed", `failed to look into ${dataDirectory}`, {
      cause: error,
    });
  }
}

/** Throws `wrong-state` when the machine has not joined, `storage-failed` when the files are damaged. */
export async function loadIdentity(dataDirectory: string): Promise<HostIdentity> {
  if (!(await hasIdentity(dataDirectory))) {
    throw new MusterError("wrong-state", "this machine has not joined a cluster", {
      hint: "on the coordinator: muster host invite NAME; here: muster-agent join STRING",
    });
  }
  const directory = identityDirectory(dataDirectory);
  try {
    const read = async (name: string): Promise<string> => readFile(join(directory, name), "utf8");
    const { privateKey, certificate } = splitPem(await read(KEY_AND_CERTIFICATE_FILE));
    const authority = await read(AUTHORITY_FILE);
    const description = parseDescription(JSON.parse(await read(DESCRIPTION_FILE)));
    // Fails now, and says so, rather than at the first handshake.
    checkPair(privateKey, certificate);
    return { ...description, privateKey, certificate, authority };
  } catch (cause) {
    throw new MusterError(
      "storage-failed",
      `failed to load this host's identity from ${directory}`,
      {
        cause,
        hint: "restore the directory, or enrol again: muster-agent leave, then join with a new join string",
      },
    );
  }
}

/** Writes everything, or nothing. Throws `storage-failed`, also when there is an identity already. */
export async function createIdentity(dataDirectory: string, identity: HostIdentity): Promise<void> {
  await createDirectoryWith(identityDirectory(dataDirectory), [
    { name: KEY_AND_CERTIFICATE_FILE, text: keyAndCertificate(identity), mode: 0o600 },
    { name: AUTHORITY_FILE, text: identity.authority, mode: 0o644 },
    { name: DESCRIPTION_FILE, text: describe(identity), mode: 0o644 },
  ]);
}

/** Replaces where the coordinators are. */
export async function replaceCoordinators(
  dataDirectory: string,
  identity: HostIdentity,
): Promise<void> {
  const path = join(identityDirectory(dataDirectory), DESCRIPTION_FILE);
  await replaceFile(path, { text: describe(identity), mode: 0o644 });
}

/** Replaces key and certificate at once. */
export async function replaceCertificate(
  dataDirectory: string,
  identity: HostIdentity,
): Promise<void> {
  const path = join(identityDirectory(dataDirectory), KEY_AND_CERTIFICATE_FILE);
  await replaceFile(path, { text: keyAndCertificate(identity), mode: 0o600 });
}

/** False when there was none. From the first step on the machine has not joined, even if the rest fails. */
export async function removeIdentity(dataDirectory: string): Promise<boolean> {
  const directory = identityDirectory(dataDirectory);
  const removed = join(dataDirectory, `.${DIRECTORY}.removed`);
  try {
    await rm(removed, { recursive: true, force: true });
    await rename(directory, removed);
    await rm(removed, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw new MusterError("storage-failed", `failed to remove ${directory}`, { cause: error });
  }
}

/** How the agent presents itself to the coordinator, and which coordinator it believes. */
export const trustOf = (identity: HostIdentity): ClientTrust => ({
  authority: identity.authority,
  clusterId: identity.clusterId,
  identity: { privateKey: identity.privateKey, certificate: identity.certificate },
});

/** How the agent presents itself to those who read its metrics. */
export const serverIdentityOf = (identity: HostIdentity): TlsIdentity => ({
  privateKey: identity.privateKey,
  certificate: identity.certificate + identity.authority,
  authority: identity.authority,
});

const describe = ({ hostId, hostName, clusterId, coordinators }: HostIdentity): string =>
  `${JSON.stringify({ hostId, hostName, clusterId, coordinators }, null, 2)}\n`;

const keyAndCertificate = ({ privateKey, certificate }: HostIdentity): string =>
  privateKey + certificate;

function splitPem(text: string): { readonly privateKey: string; readonly certificate: string } {
  const blockOf = (label: string): string => {
    const match = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n?`).exec(text);
    if (match === null) throw new Error(`${KEY_AND_CERTIFICATE_FILE} has no ${label}`);
    return match[0];
  };
  return { privateKey: blockOf("PRIVATE KEY"), certificate: blockOf("CERTIFICATE") };
}

/** Throws when the key is not the certificate's. */
export function checkPair(privateKey: string, certificate: string): void {
  const own = createPublicKey(createPrivateKey(privateKey));
  if (!new X509Certificate(certificate).publicKey.equals(own)) {
    throw new Error("the certificate is for another key");
  }
}

function parseDescription(
  value: unknown,
): Pick<HostIdentity, "hostId" | "hostName" | "clusterId" | "coordinators"> {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const text = (name: string): string => {
    const field = fields[name];
    if (typeof field !== "string") throw new Error(`${DESCRIPTION_FILE} has no ${name}`);
    return field;
  };
  const coordinators: unknown = fields["coordinators"];
  if (!Array.isArray(coordinators) || !coordinators.every((item) => typeof item === "string")) {
    throw new Error(`${DESCRIPTION_FILE} has no coordinators`);
  }
  return {
    hostId: parseHostId(text("hostId")),
    hostName: parseName(text("hostName"), "hostName"),
    clusterId: parseClusterId(text("clusterId")),
    coordinators,
  };
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
