/** Which VLANs each bridge port carries, as `bridge -j vlan show` lists them. Pure. */
import { listOf, numberOf, optional, parseJson, recordOf, textOf } from "../json-reader.ts";

export interface PortVlan {
  readonly vlan: number;
  /** Untagged frames that come in belong to this VLAN. */
  readonly isPvid: boolean;
  /** Frames of this VLAN leave without a tag. */
  readonly isUntagged: boolean;
}

export const LIST_BRIDGE_VLANS: readonly string[] = ["bridge", "-j", "vlan", "show"];

/** By device, then by VLAN id. */
export type BridgeVlans = ReadonlyMap<string, ReadonlyMap<number, PortVlan>>;

export function parseBridgeVlans(text: string): BridgeVlans {
  const what = "the VLANs of bridge ports";
  const ports = listOf(parseJson(text, what), what).map((each) => recordOf(each, what));
  return new Map(
    ports.map((port) => {
      const device = textOf(port["ifname"], what);
      const ranges = optional(port["vlans"], `VLANs of ${device}`, listOf) ?? [];
      const vlans = ranges.flatMap((range) => decodeRange(range, device));
      return [device, new Map(vlans.map((each) => [each.vlan, each]))];
    }),
  );
}

function decodeRange(value: unknown, device: string): readonly PortVlan[] {
  const what = `VLANs of ${device}`;
  const range = recordOf(value, what);
  const first = numberOf(range["vlan"], what);
  const last = optional(range["vlanEnd"], what, numberOf) ?? first;
  const flags = optional(range["flags"], what, listOf) ?? [];
  return Array.from({ length: last - first + 1 }, (_, offset) => ({
    vlan: first + offset,
    isPvid: flags.includes("PVID"),
    isUntagged: flags.includes("Egress Untagged"),
  }));
}
