/** Which NIC is meant, in a word. PURE. */
import type { NicMatch } from "@muster/proto/types";

/** "eth1", "enp65s0f*", "mac=52:54:00:00:00:01" or "driver=mlx5_core". */
export function parseNicMatch(text: string): NicMatch {
  if (text.startsWith("mac=")) return { by: { $case: "mac", value: text.slice(4) } };
  if (text.startsWith("driver=")) return { by: { $case: "driver", value: text.slice(7) } };
  return { by: { $case: "name", value: text } };
}

/** As `parseNicMatch` reads it. */
export const renderNicMatch = ({ by }: NicMatch): string =>
  by === undefined ? "" : by.$case === "name" ? by.value : `${by.$case}=${by.value}`;
