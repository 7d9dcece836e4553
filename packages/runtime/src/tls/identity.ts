/** Keys and certificates as the TLS ends take them: PEM text. */

/** Who we are. */
export interface TlsIdentity {
  /** PKCS#8. */
  readonly privateKey: string;
  /** The certificate, followed by the authority's, so that a peer that knows only a fingerprint can check it. */
  readonly certificate: string;
  /** The cluster's certificate authority. */
  readonly authority: string;
}

/** Whom we believe, and who we are to them. */
export interface ClientTrust {
  readonly authority: string;
  /** Only the coordinator of this cluster is believed; absent: any coordinator the authority vouches for. */
  readonly clusterId?: string;
  readonly identity?: { readonly privateKey: string; readonly certificate: string };
}

/** Both ends are ours: no need to talk to anything older. */
export const TLS_VERSION_MIN = "TLSv1.3" as const;
