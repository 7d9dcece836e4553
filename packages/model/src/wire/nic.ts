/** NICs of VMs. */
import type * as pb from "@muster/proto/types";
import { parseAddress, renderAddress } from "../addresses.ts";
import { invalid } from "../errors.ts";
import { parseMac, parseName } from "../names.ts";
import { nicModels, type NicSpec } from "../vm.ts";
import { fieldAt, readChoice, readCount, readList, refuseDuplicates } from "./fields.ts";
import { decodeVlanRanges, encodeVlanRanges } from "./vlan-ranges.ts";

/**
 * A NIC as a person asks for it: without a MAC the API allocates one, without addresses one from each subnet. An empty
 * list wants none.
 */
export type NicDraft = Omit<NicSpec, "mac"> & { readonly mac?: string };

/** q35 has 32 slots of which some are taken. */
export const VM_NICS_MAX = 16;
/** One of each subnet, and some to spare. */
const ADDRESSES_MAX = 16;
/** Disks and NICs together; libvirt takes any number above 0. */
const BOOT_ORDER_MAX = 64;

function decodeAddresses(wire: pb.NicSpec, field: string): readonly string[] {
  if (wire.noAddresses && wire.addresses.length > 0) {
    throw invalid(field, "addresses are given, and none are wanted");
  }
  const addresses = readList(wire.addresses, { field, max: ADDRESSES_MAX }, (text, at) =>
    renderAddress(parseAddress(text, at)),
  );
  refuseDuplicates(addresses, field);
  return addresses;
}

function decodeRates({ rates }: pb.NicSpec): Pick<NicSpec, "rates"> {
  if (rates === undefined) return {};
  const { inboundKbytesPerSecond, outboundKbytesPerSecond } = rates;
  return { rates: { inboundKbytesPerSecond, outboundKbytesPerSecond } };
}

export function decodeNicDraft(wire: pb.NicSpec, field: string): NicDraft {
  const at = (part: string): string => fieldAt(field, part);
  const addresses = decodeAddresses(wire, at("addresses"));
  const trunk = decodeVlanRanges(wire.trunk, at("trunk"));
  return {
    network: parseName(wire.network, at("network")),
    ...(wire.mac === "" ? {} : { mac: parseMac(wire.mac, at("mac")) }),
    ...(addresses.length > 0 || wire.noAddresses ? { addresses } : {}),
    ...(trunk.length === 0 ? {} : { trunk }),
    ...(wire.model === "" ? {} : { model: readChoice(wire.model, at("model"), nicModels) }),
    ...decodeRates(wire),
    ...(wire.unguarded ? { unguarded: true } : {}),
    ...(wire.bootOrder === 0
      ? {}
      : { bootOrder: readCount(wire.bootOrder, at("bootOrder"), { max: BOOT_ORDER_MAX }) }),
    ...(wire.linkDown ? { linkDown: true } : {}),
  };
}

export function decodeNicDrafts(wire: readonly pb.NicSpec[], field: string): readonly NicDraft[] {
  const nics = readList(wire, { field, max: VM_NICS_MAX }, decodeNicDraft);
  refuseDuplicates(
    nics.flatMap((nic) => nic.mac ?? []),
    field,
  );
  refuseDuplicates(
    nics.flatMap((nic) =>
      nic.bootOrder === undefined ? [] : [`boot order ${String(nic.bootOrder)}`],
    ),
    field,
  );
  return nics;
}

export function completeNic(nic: NicDraft, field: string): NicSpec {
  if (nic.mac === undefined) throw invalid(fieldAt(field, "mac"), "is required");
  return { ...nic, mac: nic.mac };
}

/** Whole NICs, as hosts are told of them. */
export const decodeNics = (wire: readonly pb.NicSpec[], field: string): readonly NicSpec[] =>
  decodeNicDrafts(wire, field).map((nic, index) => completeNic(nic, fieldAt(field, index)));

export const encodeNic = (nic: NicDraft): pb.NicSpec => ({
  network: nic.network,
  mac: nic.mac ?? "",
  addresses: [...(nic.addresses ?? [])],
  noAddresses: nic.addresses?.length === 0,
  trunk: encodeVlanRanges(nic.trunk ?? []),
  model: nic.model ?? "",
  rates: nic.rates === undefined ? undefined : { ...nic.rates },
  unguarded: nic.unguarded ?? false,
  bootOrder: nic.bootOrder ?? 0,
  linkDown: nic.linkDown ?? false,
});
