import type * as pb from "@muster/proto/dispatch";
import type { MigrationStats } from "../operation.ts";
import { fieldAt, measuredUint32, measuredUint64, readCount } from "./fields.ts";

export function decodeMigrationStats(wire: pb.MigrationStats, field: string): MigrationStats {
  return {
    processedBytes: wire.processedBytes,
    remainingBytes: wire.remainingBytes,
    totalBytes: wire.totalBytes,
    bytesPerSecond: wire.bytesPerSecond,
    iteration: readCount(wire.iteration, fieldAt(field, "iteration")),
    dirtyBytesPerSecond: wire.dirtyBytesPerSecond,
    downtimeMs: readCount(wire.downtimeMs, fieldAt(field, "downtimeMs")),
    elapsedMs: readCount(wire.elapsedMs, fieldAt(field, "elapsedMs")),
  };
}

export function encodeMigrationStats(stats: MigrationStats): pb.MigrationStats {
  return {
    processedBytes: measuredUint64(stats.processedBytes),
    remainingBytes: measuredUint64(stats.remainingBytes),
    totalBytes: measuredUint64(stats.totalBytes),
    bytesPerSecond: measuredUint64(stats.bytesPerSecond),
    iteration: measuredUint32(stats.iteration),
    dirtyBytesPerSecond: measuredUint64(stats.dirtyBytesPerSecond),
    downtimeMs: measuredUint32(stats.downtimeMs),
    elapsedMs: measuredUint32(stats.elapsedMs),
  };
}
