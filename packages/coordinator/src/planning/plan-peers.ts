/** Which hosts another one should fetch an image from. PURE. */
import type { HostId, ImageDigest } from "@muster/model";

export interface PossiblePeer {
  readonly hostId: HostId;
  readonly name: string;
  readonly isOnline: boolean;
  /** Empty: it serves none. */
  readonly address: string;
  /** Of images that are whole. */
  readonly digests: ReadonlySet<ImageDigest>;
  /** Domain of failure, outermost first; the same one means the same rack and switch. */
  readonly domain: readonly string[];
}

/** A second one for when the first fails; more would only be asked for nothing. */
const PEERS_MAX = 3;

/** The nearest first; among equals another one for each host that asks, so that not all ask the same. */
export function planPeers(
  hosts: readonly PossiblePeer[],
  asked: { readonly digest: ImageDigest; readonly by: HostId },
): readonly PossiblePeer[] {
  const own = hosts.find(({ hostId }) => hostId === asked.by)?.domain ?? [];
  return hosts
    .filter(({ hostId, isOnline, address, digests }) => {
      return hostId !== asked.by && isOnline && address !== "" && digests.has(asked.digest);
    })
    .map((host) => ({
      host,
      near: commonLevels(own, host.domain),
      turn: turnOf(host.hostId + asked.by),
    }))
    .toSorted((one, other) => other.near - one.near || one.turn - other.turn)
    .slice(0, PEERS_MAX)
    .map(({ host }) => host);
}

function commonLevels(one: readonly string[], other: readonly string[]): number {
  const differs = one.findIndex((level, index) => level !== other[index]);
  return differs < 0 ? one.length : differs;
}

/** The same for the same two hosts, and spread over all. */
function turnOf(text: string): number {
  let turn = 0;
  for (const character of text) turn = (turn * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return turn;
}
