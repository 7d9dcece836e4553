/** Directory records of ECMA-119, with Rock Ridge's entries behind them. */

export const SECTOR_BYTES = 2_048;

export const sectorsOf = (bytes: number): number => Math.ceil(bytes / SECTOR_BYTES);

/** Every number of a record is there twice: least significant byte first, then most significant byte first. */
export function both32(value: number): readonly number[] {
  const little = [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  return [...little, ...little.toReversed()];
}

export function both16(value: number): readonly number[] {
  const little = [value & 0xff, (value >>> 8) & 0xff];
  return [...little, ...little.toReversed()];
}

/** 2000-01-01 00:00:00 UTC. A fixed date: the same files give the same bytes, on whichever host they are written. */
const DATE = [100, 1, 1, 0, 0, 0, 0];

export const FLAG_DIRECTORY = 2;

export interface RecordOf {
  readonly extent: number;
  readonly bytes: number;
  readonly isDirectory: boolean;
  /** As it stands in the record: [0] is the directory itself, [1] its parent. */
  readonly identifier: readonly number[];
  readonly systemUse?: readonly number[];
}

export function directoryRecord(of: RecordOf): readonly number[] {
  const { identifier, systemUse = [] } = of;
  const padding = identifier.length % 2 === 0 ? [0] : [];
  const body = [
    0,
    ...both32(of.extent),
    ...both32(of.bytes),
    ...DATE,
    of.isDirectory ? FLAG_DIRECTORY : 0,
    ...[0, 0],
    ...both16(1),
    identifier.length,
    ...identifier,
    ...padding,
    ...systemUse,
  ];
  const evened = body.length % 2 === 0 ? [...body, 0] : body;
  return [evened.length + 1, ...evened];
}

const codes = (text: string): readonly number[] => [...text].map((each) => each.charCodeAt(0));

const S_IFDIR = 0o040_000;
const S_IFREG = 0o100_000;

/** Mode, links and owner; everything on the disk is root's. */
const posix = (mode: number, links: number): readonly number[] => [
  ...codes("PX"),
  ...[36, 1],
  ...both32(mode),
  ...both32(links),
  ...both32(0),
  ...both32(0),
];

const nameEntry = (name: string): readonly number[] => [
  ...codes("NM"),
  ...[5 + name.length, 1, 0],
  ...codes(name),
];

export const directoryEntry = (name: string): readonly number[] => [
  ...posix(S_IFDIR | 0o700, 2),
  ...(name === "" ? [] : nameEntry(name)),
];

export const fileEntry = (name: string, mode: number): readonly number[] => [
  ...posix(S_IFREG | mode, 1),
  ...nameEntry(name),
];

/** In the root's own record: that Rock Ridge is spoken here. */
export const rootEntry = (): readonly number[] => [
  ...codes("SP"),
  ...[7, 1, 0xbe, 0xef, 0],
  ...posix(S_IFDIR | 0o700, 2),
  ...codes("ER"),
  ...[18, 1, 10, 0, 0, 1],
  ...codes("RRIP_1991A"),
];

/** Records do not cross sectors: the rest of a sector stays empty. */
export function packRecords(records: readonly (readonly number[])[]): Uint8Array {
  const bytes: number[] = [];
  for (const record of records) {
    const left = SECTOR_BYTES - (bytes.length % SECTOR_BYTES);
    if (record.length > left) bytes.push(...Array.from({ length: left }, () => 0));
    bytes.push(...record);
  }
  const padded = new Uint8Array(sectorsOf(bytes.length) * SECTOR_BYTES);
  padded.set(bytes);
  return padded;
}
