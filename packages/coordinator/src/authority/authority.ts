/**
 * The cluster's certificate authority. Its key is made at the first start, never leaves the coordinator's data
 * directory, and is never replaced: every host knows the authority by it. Who may have a certificate is decided by
 * `admit.ts`, what a certificate is worth by `identify.ts`; here they are made.
 */
import { createPrivateKey, hkdfSync, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { MusterError, type ClusterId, type HostId } from "@muster/model";
import {
  createAuthority,
  createDirectoryWith,
  fingerprintOf,
  issueCertificate,
  newPrivateKey,
  publicKeyOf,
  readCertificateRequest,
  serialOf,
  type CertificateAndKey,
  type CertificateSubject,
  type Clock,
  type Random,
  type TlsIdentity,
  type Validity,
} from "@muster/runtime";

export interface AuthorityOptions {
  /** Data directory of the coordinator; the authority's files are in its directory `authority`. */
  readonly dataDirectory: string;
  readonly clusterId: ClusterId;
  readonly clock: Clock;
  readonly random: Random;
  readonly lives?: Partial<CertificateLives>;
}

/** Milliseconds. */
export interface CertificateLives {
  /**
   * A host renews after two thirds. Shorter, and a host that is off over a long holiday comes back expired (it may
   * still renew); longer, and a stolen key of a host nobody removed is good for longer.
   */
  readonly hostMs: number;
  /** The coordinator renews its own in memory, and makes a new one at every start. */
  readonly coordinatorMs: number;
  /** Operators and Prometheus renew by hand, so once a year. */
  readonly clientMs: number;
}

const DAY_MS = 24 * 3_600_000;

export const CERTIFICATE_LIVES: CertificateLives = {
  hostMs: 30 * DAY_MS,
  coordinatorMs: 30 * DAY_MS,
  clientMs: 365 * DAY_MS,
};

/** There is no rolling an authority over yet, so it must outlive the hardware. */
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS;

/** Certificates begin in the past by this much: clocks of machines that join are often behind. */
const BACKDATED_MS = 3_600_000;

const DIRECTORY = "authority";
const KEY_FILE = "key.pem";
const CERTIFICATE_FILE = "certificate.pem";
const SERIAL_BYTES = 16;

export interface IssuedCertificate {
  /** PEM, without the authority's. */
  readonly certificate: string;
  /** As host records keep it. */
  readonly serial: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

export class Authority {
  /** PEM. */
  readonly certificate: string;
  /** SHA-256 of the certificate, as join strings carry it. */
  readonly fingerprint: string;
  /** For `identify`. */
  readonly x509: X509Certificate;
  readonly #own: CertificateAndKey;
  readonly #options: AuthorityOptions;
  readonly #lives: CertificateLives;

  private constructor(own: CertificateAndKey, options: AuthorityOptions) {
    this.#own = own;
    this.#options = options;
    this.#lives = { ...CERTIFICATE_LIVES, ...options.lives };
    this.certificate = own.certificate;
    this.fingerprint = fingerprintOf(own.certificate);
    this.x509 = new X509Certificate(own.certificate);
  }

  /**
   * Loads the authority, or makes it when there is none. Throws `storage-failed` when it is there but cannot be
   * used: making another one would lock every host out.
   */
  static async open(options: AuthorityOptions): Promise<Authority> {
    let own = await loadAuthorityFiles(options.dataDirectory);
    if (own === undefined) {
      own = await newAuthority(options);
      await createAuthorityFiles(options.dataDirectory, own);
    }
    return new Authority(own, options);
  }

  /** With certificate and key from wherever they are kept. */
  static of(own: CertificateAndKey, options: AuthorityOptions): Authority {
    return new Authority(own, options);
  }

  /** A new key and certificate for the coordinator itself, good for these host names and addresses. */
  async issueServer(hostNames: readonly string[]): Promise<TlsIdentity> {
    const privateKey = newPrivateKey();
    const certificate = await this.#issue({
      publicKey: publicKeyOf(privateKey),
      commonName: "muster coordinator",
      subject: { role: "coordinator", id: this.#options.clusterId },
      hostNames,
      lifeMs: this.#lives.coordinatorMs,
    });
    return {
      privateKey,
      // With the authority's own, so that a machine that joins can compare the fingerprint.
      certificate: certificate + this.certificate,
      authority: this.certificate,
    };
  }

  /**
   * Certifies the key of a host. `request`: PKCS#10 in PEM; nothing but its key is taken from it. Throws
   * `invalid` for a request that is damaged, not signed by its own key, or of another kind of key.
   */
  async issueHost(host: {
    readonly id: HostId;
    readonly name: string;
    readonly request: string;
  }): Promise<IssuedCertificate> {
    const certificate = await this.#issue({
      publicKey: await readCertificateRequest(host.request),
      commonName: host.name,
      subject: { role: "host", id: host.id },
      hostNames: [host.name],
      lifeMs: this.#lives.hostMs,
    });
    const parsed = new X509Certificate(certificate);
    const expiresAt = parsed.validToDate.toISOString();
    return { certificate, serial: serialOf(parsed), expiresAt };
  }

  /** A key and certificate for a person's or a monitoring system's own files. */
  async issueClient(client: {
    readonly role: "operator" | "metrics";
    /** A name as parseName allows. */
    readonly name: string;
  }): Promise<TlsIdentity> {
    const privateKey = newPrivateKey();
    const certificate = await this.#issue({
      publicKey: publicKeyOf(privateKey),
      commonName: client.name,
      subject: { role: client.role, id: client.name },
      hostNames: [],
      lifeMs: this.#lives.clientMs,
    });
    return { privateKey, certificate, authority: this.certificate };
  }

  /**
   * A key for one purpose, which every coordinator of this cluster has and nobody else: it follows from the authority's
   * own, so there is nothing more to copy to a further coordinator or to back up.
   */
  derivedKey(purpose: string, bytes: number): Uint8Array {
    const own = createPrivateKey(this.#own.privateKey).export({ type: "pkcs8", format: "der" });
    return new Uint8Array(hkdfSync("sha256", own, this.#options.clusterId, purpose, bytes));
  }

  async #issue(order: {
    readonly publicKey: Uint8Array;
    readonly commonName: string;
    readonly subject: CertificateSubject;
    readonly hostNames: readonly string[];
    readonly lifeMs: number;
  }): Promise<string> {
    const { clock, random } = this.#options;
    const names = [...new Set(order.hostNames)];
    return issueCertificate({
      authority: this.#own,
      publicKey: order.publicKey,
      commonName: order.commonName,
      subject: order.subject,
      dnsNames: names.filter((name) => isIP(name) === 0),
      ipAddresses: names.filter((name) => isIP(name) !== 0),
      serial: random.bytes(SERIAL_BYTES),
      ...validityFrom(clock.wall(), order.lifeMs),
    });
  }
}

function validityFrom(now: Date, lifeMs: number): Validity {
  const validFrom = new Date(now.getTime() - BACKDATED_MS);
  return { validFrom, validTo: new Date(now.getTime() + lifeMs) };
}

/** Undefined when there is none. */
export async function loadAuthorityFiles(
  dataDirectory: string,
): Promise<CertificateAndKey | undefined> {
  const directory = join(dataDirectory, DIRECTORY);
  try {
    const privateKey = await readFile(join(directory, KEY_FILE), "utf8");
    const certificate = await readFile(join(directory, CERTIFICATE_FILE), "utf8");
    const isPair = Buffer.from(publicKeyOf(privateKey)).equals(
      new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" }),
    );
    if (!isPair) throw new Error(`${KEY_FILE} is not the key of ${CERTIFICATE_FILE}`);
    return { privateKey, certificate };
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    // Both files appear with their directory, so a missing one was taken away.
    if (isMissing && !(await exists(directory))) return undefined;
    throw new MusterError("storage-failed", `failed to load the authority from ${directory}`, {
      cause,
      hint: "restore the directory from a backup; without it every host has to be enrolled again",
    });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

export async function newAuthority({
  clock,
  random,
  clusterId,
}: Pick<AuthorityOptions, "clock" | "random" | "clusterId">): Promise<CertificateAndKey> {
  return createAuthority({
    commonName: `muster cluster ${clusterId}`,
    serial: random.bytes(SERIAL_BYTES),
    ...validityFrom(clock.wall(), AUTHORITY_LIFE_MS),
  });
}

export async function createAuthorityFiles(
  dataDirectory: string,
  own: CertificateAndKey,
): Promise<void> {
  await createDirectoryWith(join(dataDirectory, DIRECTORY), [
    { name: KEY_FILE, text: own.privateKey, mode: 0o600 },
    { name: CERTIFICATE_FILE, text: own.certificate, mode: 0o644 },
  ]);
}
