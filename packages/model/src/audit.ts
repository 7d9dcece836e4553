/** Who changed what, from where and why: kept with the change itself, so that neither is without the other. */

export interface AuditedChange {
  /** "vm/web-1", "operation/op-00000b". */
  readonly thing: string;
  /** JSON of the fields that differ; empty: it was not there. */
  readonly before: string;
  /** JSON of the fields that differ; empty: it is gone. */
  readonly after: string;
}

export interface AuditRecord {
  /** In order of time; the key in the store. */
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  /** The name on the certificate, or the local administrator. */
  readonly who: string;
  /** "local socket", or the address. */
  readonly from: string;
  /** The call: "CreateVm". */
  readonly call: string;
  /** What the person gave as reason; empty: none. */
  readonly why: string;
  readonly changes: readonly AuditedChange[];
}
