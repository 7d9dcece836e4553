import type { MoveCost } from "./motion.ts";
import type { HostSnapshot, VmSnapshot } from "./snapshot.ts";
import { toMiB } from "./units.ts";

/** Assumed where a host does not say: 10 Gbit/s, of which a single stream gets about four fifths. */
const LINK_BYTES_PER_SECOND = 1_000_000_000;

/** What a guest may be held still for at the end; QEMU's own default. */
const DOWNTIME_TARGET_SECONDS = 0.3;

/** Setting up a migration and switching over, measured from the command to the resumed guest. */
const FIXED_SECONDS = 1;

/**
 * Pre-copy in closed form: every round sends what the guest dirtied during the one before, so the bytes are
 * a geometric series in dirty rate over link speed, cut off where the rest fits in the downtime target.
 */
export function migrationCost(
  vm: VmSnapshot,
  link: { readonly from: HostSnapshot; readonly to: HostSnapshot; readonly volumesMiB: number },
): MoveCost {
  const linkMiBps =
    Math.min(
      link.from.linkBytesPerSecond ?? LINK_BYTES_PER_SECOND,
      link.to.linkBytesPerSecond ?? LINK_BYTES_PER_SECOND,
    ) /
    2 ** 20;
  if (vm.state === "stopped" || vm.state === "failed" || vm.state === "new") {
    const seconds = link.volumesMiB / linkMiBps;
    return { memoryMiB: 0, volumesMiB: link.volumesMiB, seconds, downtimeMs: 0, converges: true };
  }
  const memoryMiB = toMiB(vm.measured?.memoryBytes ?? vm.memoryBytes);
  const ratio = (vm.measured?.dirtyBytesPerSecond ?? 0) / 2 ** 20 / linkMiBps;
  const targetMiB = linkMiBps * DOWNTIME_TARGET_SECONDS;
  // Without convergence the guest is slowed down or switched to post-copy after about three rounds.
  const converges = ratio < 1;
  const rounds =
    ratio === 0 || memoryMiB <= targetMiB
      ? 0
      : converges
        ? Math.ceil(Math.log(targetMiB / memoryMiB) / Math.log(ratio))
        : 3;
  let sentMiB = memoryMiB;
  let restMiB = memoryMiB;
  for (let round = 0; round < Math.min(rounds, 30); round++) {
    restMiB *= ratio;
    sentMiB += restMiB;
  }
  const lastMiB = ratio === 0 ? 0 : Math.min(restMiB, targetMiB);
  return {
    memoryMiB: sentMiB,
    volumesMiB: link.volumesMiB,
    seconds: FIXED_SECONDS + (sentMiB + link.volumesMiB) / linkMiBps,
    downtimeMs: Math.round((lastMiB / linkMiBps) * 1000),
    converges,
  };
}
