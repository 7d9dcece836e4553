/** What the site gives to virtual clusters. */
import {
  invalid,
  MTU_DEFAULT_BYTES,
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  parseName,
  parseSubnet,
  renderSubnet,
  type VirtualClusterSettings,
} from "@muster/model";
import {
  decodeHostChoice,
  decodeVlanRanges,
  encodeHostChoice,
  encodeVlanRanges,
} from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put } from "../ledger/ledger.ts";
import { findNetwork, type LedgerView } from "../ledger/view.ts";
import { addressBook, freeCountOf } from "../planning/address-book.ts";
import { freeVlans } from "../virtual-clusters/free-vlan.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

/** Room for a frontend and some computes. */
const PREFIX_LENGTH_MAX = 28;
/** Hosts with more threads are not built. */
const RESERVED_MAX = 4_096;

export function virtualClusterSettingsHandlers(parts: ApiParts) {
  return {
    async getVirtualClusterSettings(
      _request: pb.GetVirtualClusterSettingsRequest,
      context: CallContext,
    ): Promise<pb.GetVirtualClusterSettingsResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      return {
        settings: encodeSettings(view.virtualClusterSettings),
        vlansFree: freeVlans(view).length,
        publicAddressesFree: publicAddressesFree(view),
      };
    },

    async setVirtualClusterSettings(
      request: pb.SetVirtualClusterSettingsRequest,
      context: CallContext,
    ): Promise<pb.SetVirtualClusterSettingsResponse> {
      parts.operatorOf(context);
      const why = decodeWhy(request.why);
      const settings = decodeSettings(request.settings);
      await parts.ledger.transact((view) => {
        checkSettings(view, settings);
        return {
          changes: why.dryRun ? [] : [put("virtual-cluster-settings", settings)],
          result: undefined,
        };
      });
      return { settings: encodeSettings(settings) };
    },
  };
}

function decodeSettings(wire: pb.VirtualClusterSettings | undefined): VirtualClusterSettings {
  if (wire === undefined) throw invalid("settings", "is required");
  const { cpusReserved } = wire;
  const mtu = wire.mtu === 0 ? MTU_DEFAULT_BYTES : wire.mtu;
  if (mtu < MTU_MIN_BYTES || mtu > MTU_MAX_BYTES) {
    const range = `${String(MTU_MIN_BYTES)} to ${String(MTU_MAX_BYTES)}`;
    throw invalid("settings.mtu", `${String(mtu)} is out of range`, `use ${range}`);
  }
  if (cpusReserved > RESERVED_MAX) {
    throw invalid("settings.cpus_reserved", `at most ${String(RESERVED_MAX)} are allowed`);
  }
  return {
    vlans: decodeVlanRanges(wire.vlans, "settings.vlans"),
    ...(wire.uplink === "" ? {} : { uplink: parseName(wire.uplink, "settings.uplink") }),
    hosts: decodeHostChoice(wire, "settings"),
    privateSubnet: decodeSubnet(wire.privateSubnet),
    ...(wire.publicNetwork === ""
      ? {}
      : { publicNetwork: parseName(wire.publicNetwork, "settings.public_network") }),
    cpusReserved,
    domain: wire.domain === "" ? "" : parseName(wire.domain, "settings.domain"),
    mtu,
  };
}

function decodeSubnet(text: string): string {
  const field = "settings.private_subnet";
  const subnet = parseSubnet(text, field);
  if (subnet.family !== 4) throw invalid(field, `${text} is not IPv4`);
  if (subnet.prefixLength > PREFIX_LENGTH_MAX) {
    const most = `/${String(PREFIX_LENGTH_MAX)}`;
    throw invalid(field, `${text} has no room for a cluster`, `make it ${most} or larger`);
  }
  return renderSubnet(subnet);
}

function checkSettings(view: LedgerView, { uplink, publicNetwork }: VirtualClusterSettings): void {
  if (publicNetwork !== undefined) {
    const { spec } = findNetwork(view, publicNetwork);
    if (spec.subnets.length === 0) {
      throw invalid(
        "settings.public_network",
        `network ${publicNetwork} has no subnets to give addresses from`,
        `muster network set ${publicNetwork} --subnet CIDR,range=FIRST-LAST`,
      );
    }
  }
  if (uplink === undefined) return;
  const labels = new Set([...view.uplinks.values()].map(({ spec }) => spec.label));
  if (labels.has(uplink)) return;
  throw invalid(
    "settings.uplink",
    `there is no uplink "${uplink}"`,
    labels.size === 0 ? "none is defined" : `uplinks: ${[...labels].toSorted().join(", ")}`,
  );
}

function publicAddressesFree(view: LedgerView): bigint {
  const { publicNetwork } = view.virtualClusterSettings;
  const spec = publicNetwork === undefined ? undefined : view.networks.get(publicNetwork)?.spec;
  return spec === undefined ? 0n : freeCountOf(spec, addressBook(view, spec));
}

const encodeSettings = (settings: VirtualClusterSettings): pb.VirtualClusterSettings => ({
  vlans: encodeVlanRanges(settings.vlans),
  uplink: settings.uplink ?? "",
  ...encodeHostChoice(settings.hosts),
  privateSubnet: settings.privateSubnet,
  publicNetwork: settings.publicNetwork ?? "",
  cpusReserved: settings.cpusReserved,
  domain: settings.domain,
  mtu: settings.mtu,
});
