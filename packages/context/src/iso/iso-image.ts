/**
 * An ISO 9660 image with Rock Ridge (for Linux) and Joliet (for everything else), in memory. Written here instead of by
 * a program, so that secrets never lie in a directory of the host, a hypervisor needs nothing installed, and the same
 * files give the same bytes: a host that takes a VM over can write the same disk again.
 */
import type { Seed } from "../context.ts";
import {
  both16,
  both32,
  directoryEntry,
  directoryRecord,
  fileEntry,
  packRecords,
  rootEntry,
  SECTOR_BYTES,
  sectorsOf,
} from "./record.ts";
import { directoriesOf, treeOf, type IsoDirectory, type IsoFile, type IsoNode } from "./tree.ts";

/** How names are written in one of the two trees. */
interface Naming {
  readonly joliet: boolean;
  identifier(node: IsoNode): readonly number[];
  text(text: string, bytes: number): Uint8Array;
}

const FIRST_SECTOR = 16;
/** Two descriptors, the end of the list, and four path tables of one sector each. */
const TABLES_SECTOR = FIRST_SECTOR + 3;
const TREE_SECTOR = TABLES_SECTOR + 4;

const ascii = (text: string): readonly number[] => [...text].map((each) => each.charCodeAt(0));
const ucs2 = (text: string): readonly number[] =>
  [...text].flatMap((each) => [each.charCodeAt(0) >> 8, each.charCodeAt(0) & 0xff]);

function filled(content: readonly number[], bytes: number, filler: readonly number[]): Uint8Array {
  const field = Uint8Array.from(
    { length: bytes },
    (_, index) => filler[index % filler.length] ?? 0,
  );
  field.set(content.slice(0, bytes));
  return field;
}

/** Names of eight letters, numbered: whoever reads no Rock Ridge and no Joliet sees the contents all the same. */
function primaryNaming(directories: readonly IsoDirectory[]): Naming {
  const numbers = new Map<IsoNode, number>();
  for (const { children } of directories) {
    for (const child of children) numbers.set(child, numbers.size + 1);
  }
  return {
    joliet: false,
    identifier(node) {
      const number = String(numbers.get(node) ?? 0).padStart(7, "0");
      return ascii(node.kind === "file" ? `F${number}.;1` : `D${number}`);
    },
    text: (text, bytes) => filled(ascii(text), bytes, [32]),
  };
}

const jolietNaming: Naming = {
  joliet: true,
  identifier: (node) => ucs2(node.kind === "file" ? `${node.name};1` : node.name),
  text: (text, bytes) => filled(ucs2(text), bytes, [0]),
};

interface Layout {
  readonly sectorOf: ReadonlyMap<IsoNode, number>;
  readonly bytesOf: ReadonlyMap<IsoDirectory, number>;
}

type Places = (node: IsoNode) => { readonly extent: number; readonly bytes: number };

function contentsOf(
  directory: IsoDirectory,
  parent: IsoDirectory,
  naming: Naming,
  places: Places,
): Uint8Array {
  const isRoot = directory === parent;
  const rockRidge = (entries: readonly number[]) => (naming.joliet ? {} : { systemUse: entries });
  const self = { ...places(directory), isDirectory: true, identifier: [0] };
  const up = { ...places(parent), isDirectory: true, identifier: [1] };
  const compared = (left: IsoNode, right: IsoNode): number =>
    String.fromCharCode(...naming.identifier(left)) <
    String.fromCharCode(...naming.identifier(right))
      ? -1
      : 1;
  return packRecords([
    directoryRecord({ ...self, ...rockRidge(isRoot ? rootEntry() : directoryEntry("")) }),
    directoryRecord({ ...up, ...rockRidge(directoryEntry("")) }),
    ...directory.children.toSorted(compared).map((child) =>
      directoryRecord({
        ...places(child),
        isDirectory: child.kind === "directory",
        identifier: naming.identifier(child),
        ...rockRidge(
          child.kind === "directory"
            ? directoryEntry(child.name)
            : fileEntry(child.name, child.mode),
        ),
      }),
    ),
  ]);
}

function parentsOf(directories: readonly IsoDirectory[]): ReadonlyMap<IsoDirectory, IsoDirectory> {
  const parents = new Map<IsoDirectory, IsoDirectory>();
  for (const directory of directories) {
    for (const child of directory.children) {
      if (child.kind === "directory") parents.set(child, directory);
    }
  }
  return parents;
}

/** The path table: every directory with its parent's number. */
function pathTable(
  directories: readonly IsoDirectory[],
  naming: Naming,
  { places, bigEndian }: { readonly places: Places; readonly bigEndian: boolean },
): Uint8Array {
  const parents = parentsOf(directories);
  const pick = <Value>(two: readonly Value[]): readonly Value[] =>
    bigEndian ? two.slice(two.length / 2) : two.slice(0, two.length / 2);
  const bytes = directories.flatMap((directory, index) => {
    const identifier = index === 0 ? [0] : naming.identifier(directory);
    const parent = directories.indexOf(parents.get(directory) ?? directory) + 1;
    const padding = identifier.length % 2 === 0 ? [] : [0];
    const extent = pick(both32(places(directory).extent));
    return [identifier.length, 0, ...extent, ...pick(both16(parent)), ...identifier, ...padding];
  });
  return Uint8Array.from(bytes);
}

interface Volume {
  readonly label: string;
  readonly sectors: number;
  readonly naming: Naming;
  readonly root: readonly number[];
  readonly tableBytes: number;
  readonly tableSector: number;
}

const big32 = (value: number): readonly number[] => both32(value).slice(4);
const little32 = (value: number): readonly number[] => both32(value).slice(0, 4);

function descriptor(volume: Volume): Uint8Array {
  const { naming } = volume;
  const sector = new Uint8Array(SECTOR_BYTES);
  sector.set([naming.joliet ? 2 : 1, ...ascii("CD001"), 1]);
  sector.set(naming.text("", 32), 8);
  sector.set(naming.text(volume.label, 32), 40);
  sector.set(both32(volume.sectors), 80);
  // Joliet's third level: UCS-2, up to 64 characters a name.
  if (naming.joliet) sector.set(ascii("%/E"), 88);
  sector.set(both16(1), 120);
  sector.set(both16(1), 124);
  sector.set(both16(SECTOR_BYTES), 128);
  sector.set(both32(volume.tableBytes), 132);
  sector.set(little32(volume.tableSector), 140);
  sector.set(big32(volume.tableSector + 1), 148);
  sector.set(volume.root, 156);
  // Names of sets, publishers and files that nobody gave.
  sector.set(naming.text("", 623), 190);
  // Four dates that nobody gave either: sixteen zeros each, and no time zone.
  for (const at of [813, 830, 847, 864]) sector.set(ascii("0".repeat(16)), at);
  sector[881] = 1;
  return sector;
}

/** Sectors of directories first, those of Joliet's behind them, then of files. */
function layOut(root: IsoDirectory, namings: readonly Naming[]) {
  const directories = directoriesOf(root);
  const parents = parentsOf(directories);
  const nowhere: Places = () => ({ extent: 0, bytes: 0 });
  let next = TREE_SECTOR;
  const trees = namings.map((naming): Layout => {
    const sectorOf = new Map<IsoNode, number>();
    const bytesOf = new Map<IsoDirectory, number>();
    for (const directory of directories) {
      const parent = parents.get(directory) ?? directory;
      const { length } = contentsOf(directory, parent, naming, nowhere);
      sectorOf.set(directory, next);
      bytesOf.set(directory, length);
      next += sectorsOf(length);
    }
    return { sectorOf, bytesOf };
  });
  const files = new Map<IsoFile, number>();
  for (const { children } of directories) {
    for (const child of children) {
      if (child.kind !== "file") continue;
      files.set(child, next);
      next += sectorsOf(child.content.length);
    }
  }
  return { directories, parents, trees, files, sectors: next };
}

const placesIn =
  (layout: Layout, files: ReadonlyMap<IsoFile, number>): Places =>
  (node) =>
    node.kind === "file"
      ? { extent: files.get(node) ?? 0, bytes: node.content.length }
      : { extent: layout.sectorOf.get(node) ?? 0, bytes: layout.bytesOf.get(node) ?? 0 };

export function renderIso(seed: Seed): Uint8Array {
  const root = treeOf(seed);
  const namings = [primaryNaming(directoriesOf(root)), jolietNaming];
  const { directories, parents, trees, files, sectors } = layOut(root, namings);
  const image = new Uint8Array(sectors * SECTOR_BYTES);
  const write = (sector: number, bytes: Uint8Array): void => {
    image.set(bytes, sector * SECTOR_BYTES);
  };
  for (const [index, naming] of namings.entries()) {
    const layout = trees[index];
    if (layout === undefined) continue;
    const places = placesIn(layout, files);
    const tableSector = TABLES_SECTOR + index * 2;
    const table = pathTable(directories, naming, { places, bigEndian: false });
    write(tableSector, table);
    write(tableSector + 1, pathTable(directories, naming, { places, bigEndian: true }));
    for (const directory of directories) {
      const parent = parents.get(directory) ?? directory;
      write(places(directory).extent, contentsOf(directory, parent, naming, places));
    }
    const record = directoryRecord({ ...places(root), isDirectory: true, identifier: [0] });
    const about = { label: seed.label, sectors, naming, root: record, tableSector };
    write(FIRST_SECTOR + index, descriptor({ ...about, tableBytes: table.length }));
  }
  write(FIRST_SECTOR + 2, Uint8Array.from([255, ...ascii("CD001"), 1]));
  for (const [file, sector] of files) write(sector, file.content);
  return image;
}
