/** Where things are in etcd, below one prefix. PURE. */

export interface EtcdKeys {
  /** Everything: records, and who leads. */
  readonly all: string;
  /** Below it, records by their keys. */
  readonly records: string;
  /** Written by every transaction with that transaction's own name: tells whether one was done. */
  readonly newest: string;
  /** There while somebody leads; when it was created is the term. */
  readonly leader: string;
  /** Below it, every coordinator that is there, by name. */
  readonly members: string;
}

export function keysBelow(prefix: string): EtcdKeys {
  const all = prefix.endsWith("/") ? prefix : `${prefix}/`;
  return {
    all,
    records: `${all}records/`,
    newest: `${all}newest`,
    leader: `${all}leader`,
    members: `${all}members/`,
  };
}

export const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

/** The range of all keys that begin with this: etcd wants its exclusive end. */
export function below(prefix: string): { readonly key: Buffer; readonly rangeEnd: Buffer } {
  const rangeEnd = bytes(prefix);
  // Prefixes end with "/", so the last byte can always be one more.
  rangeEnd[rangeEnd.length - 1] = (rangeEnd.at(-1) ?? 0) + 1;
  return { key: bytes(prefix), rangeEnd };
}

/** The first key after this one. */
export const after = (key: Uint8Array): Buffer => Buffer.concat([key, Buffer.of(0)]);
