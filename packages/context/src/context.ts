/** Everything a guest is told about itself at boot, as one model. `parse/` makes it, `render/` writes it. */

import type { SeedFormat } from "@muster/model";

/** By what the consumers find the disk. */
export const volumeLabels = {
  nocloud: "cidata",
  "config-drive": "config-2",
  stratuslab: "_STRATUSLAB",
} as const satisfies Record<SeedFormat, string>;

/** What becomes of the disk once the guest has said that it is configured. */
export type AfterFirstBoot = "keep" | "remove";

/** How the guest tells what became of its first boot. */
export type ReportBy = "channel" | "none";

export interface ContextUser {
  readonly name: string;
  readonly sshKeys: readonly string[];
  readonly groups: readonly string[];
  readonly shell?: string;
  /** May become root without a password. */
  readonly sudo: boolean;
  /** Secret. As in /etc/shadow. */
  readonly passwordHash?: string;
}

export type HostKeyType = "rsa" | "ecdsa" | "ed25519";

export interface HostKey {
  readonly type: HostKeyType;
  /** Secret. OpenSSH's or PEM's form. */
  readonly privateKey: string;
  readonly publicKey: string;
  /** Of an SSH certificate authority for this key. */
  readonly certificate?: string;
}

/** A certificate of the host with its key, where programs in the guest look for them. */
export interface HostCertificate {
  readonly path: string;
  /** PEM. */
  readonly certificate: string;
  readonly keyPath?: string;
  /** Secret. PEM. */
  readonly key?: string;
  /** "user:group". */
  readonly owner: string;
}

export interface ContextFile {
  readonly path: string;
  /** Secret. */
  readonly content: Uint8Array;
  /** 0 to 0o7777. */
  readonly mode: number;
  /** "user:group". */
  readonly owner: string;
}

export interface ContextDns {
  readonly servers: readonly string[];
  readonly search: readonly string[];
}

export interface ClusterMember {
  readonly name: string;
  readonly address: string;
  readonly role: "frontend" | "compute";
  readonly cpus: number;
}

/** Central policies, applied after everything that is the guest's own. */
export type CentralPolicy =
  | { readonly kind: "cfengine"; readonly hub: string }
  | { readonly kind: "puppet"; readonly server: string; readonly environment?: string }
  | {
      readonly kind: "ansible-pull";
      readonly url: string;
      readonly playbook: string;
      readonly branch?: string;
    }
  /** Secret. */
  | { readonly kind: "command"; readonly command: string };

export interface Context {
  readonly format: SeedFormat;
  /** Absent: the VM's name. */
  readonly hostname?: string;
  readonly users: readonly ContextUser[];
  /** For the user the image comes with; root where there is no cloud-init. */
  readonly sshKeys: readonly string[];
  readonly hostKeys: readonly HostKey[];
  readonly certificates: readonly HostCertificate[];
  /** PEM of authorities the guest is to trust. */
  readonly authorities: readonly string[];
  /** Added to what the VM's networks say. */
  readonly dns: ContextDns;
  readonly files: readonly ContextFile[];
  readonly packages: readonly string[];
  /** Secret. Lines for sh, run in order. */
  readonly commands: readonly string[];
  /** The values are secret. */
  readonly values: Readonly<Record<string, string>>;
  readonly members: readonly ClusterMember[];
  readonly policies: readonly CentralPolicy[];
  /** Secret. For cloud-init as it is, beside what is made of the rest. */
  readonly userData?: string;
  readonly afterFirstBoot: AfterFirstBoot;
  readonly report: ReportBy;
  /** How long the first boot may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** One NIC, as the coordinator gave it out. */
export interface ContextNic {
  /** Lower case. */
  readonly mac: string;
  readonly mtu: number;
  /** None: the guest asks by DHCP. */
  readonly addresses: readonly ContextAddress[];
  readonly dns: readonly string[];
  readonly search: readonly string[];
}

export interface ContextAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway?: string;
}

/** The VM the context is written for. */
export interface ContextSubject {
  readonly id: string;
  readonly name: string;
  readonly nics: readonly ContextNic[];
}

/** A file of the disk. */
export interface SeedFile {
  /** Relative, with "/". */
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

/** A disk before it is one. */
export interface Seed {
  readonly label: string;
  readonly files: readonly SeedFile[];
}

export const hostnameOf = (context: Context, subject: ContextSubject): string =>
  context.hostname ?? subject.name;
