/** What peers say of a host's heartbeat on shared storage. Pure. */

/** "moving": it still writes there, so it lives whatever the network says. "unknown": nobody could tell. */
export type StorageSign = "moving" | "still" | "unknown";

/** @param findings of one peer or more, a line for each storage they share with the host. */
export function storageSign(findings: readonly string[]): StorageSign {
  if (findings.some((line) => line.endsWith(": moving"))) return "moving";
  return findings.some((line) => line.endsWith(": still")) ? "still" : "unknown";
}
