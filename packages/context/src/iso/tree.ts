/** The files of a disk as a tree with everything that has to be known before a byte is written. */
import type { Seed, SeedFile } from "../context.ts";

export interface IsoFile {
  readonly kind: "file";
  readonly name: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

export interface IsoDirectory {
  readonly kind: "directory";
  readonly name: string;
  readonly children: readonly IsoNode[];
}

export type IsoNode = IsoFile | IsoDirectory;

const byName = (left: IsoNode, right: IsoNode): number => (left.name < right.name ? -1 : 1);

export const treeOf = ({ files }: Seed): IsoDirectory => directoryOf("", files);

function directoryOf(name: string, files: readonly SeedFile[]): IsoDirectory {
  const within = new Map<string, SeedFile[]>();
  const children: IsoNode[] = [];
  for (const file of files) {
    const slash = file.path.indexOf("/");
    if (slash === -1) {
      children.push({ kind: "file", name: file.path, content: file.content, mode: file.mode });
      continue;
    }
    const directory = file.path.slice(0, slash);
    const inner = { ...file, path: file.path.slice(slash + 1) };
    within.set(directory, [...(within.get(directory) ?? []), inner]);
  }
  for (const [directory, inner] of within) children.push(directoryOf(directory, inner));
  return { kind: "directory", name, children: children.toSorted(byName) };
}

/** Parents before children, level by level: the order of path tables. */
export function directoriesOf(root: IsoDirectory): readonly IsoDirectory[] {
  const all = [root];
  for (const directory of all) {
    all.push(...directory.children.filter((child) => child.kind === "directory"));
  }
  return all;
}
