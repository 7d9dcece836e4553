/** /proc/mounts → which storage is one place for several hosts. Pure. */
import type { Mount } from "./system-facts.ts";

/** Filesystems that several hosts mount at once and may all write to. */
const SHARED_FILESYSTEMS: ReadonlySet<string> = new Set([
  "nfs",
  "nfs4",
  "cifs",
  "smb3",
  "ceph",
  "fuse.ceph",
  "fuse.ceph-fuse",
  "glusterfs",
  "fuse.glusterfs",
  "ocfs2",
  "gfs",
  "gfs2",
  "gpfs",
  "lustre",
  "beegfs",
  "fuse.mfs",
  "fuse.quobyte",
  "fuse.juicefs",
  "vxfs",
  "acfs",
]);

/** Kinds of libvirt pools that are on the network whatever is mounted. */
const SHARED_POOLS: ReadonlySet<string> = new Set([
  "netfs",
  "rbd",
  "gluster",
  "iscsi",
  "iscsi-direct",
  "sheepdog",
]);

export const isSharedFilesystem = (filesystem: string): boolean =>
  SHARED_FILESYSTEMS.has(filesystem);

/** Lines of /proc/mounts; octal escapes stand for blanks in paths. */
export function parseMounts(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    const [source, path, filesystem] = line.split(" ");
    if (source === undefined || path === undefined || filesystem === undefined) return [];
    return [{ source: unescape(source), path: unescape(path), filesystem }];
  });
}

const unescape = (field: string): string =>
  field.replaceAll(/\\([0-7]{3})/g, (_whole, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** The mount a path is on: the longest that contains it, the last of equal ones, which hides the others. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const prefix = mount.path === "/" ? "/" : `${mount.path}/`;
    const contains = path === mount.path || path.startsWith(prefix);
    if (contains && mount.path.length >= (best?.path.length ?? 0)) best = mount;
  }
  return best;
}

/** Whether hosts that have the same storage see the same volumes. */
export function isSharedStorage(
  storage: { readonly kind: string; readonly path: string },
  mounts: readonly Mount[],
): boolean {
  if (SHARED_POOLS.has(storage.kind)) return true;
  const mount = mountOf(storage.path, mounts);
  return mount !== undefined && isSharedFilesystem(mount.filesystem);
}
