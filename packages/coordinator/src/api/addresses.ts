/** Addresses: reserve, release, list. */
import {
  invalid,
  MusterError,
  parseAddress,
  parseName,
  renderAddress,
  reverseName,
} from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { put, remove } from "../ledger/ledger.ts";
import { addressKey } from "../ledger/records.ts";
import { findNetwork, type LedgerView } from "../ledger/view.ts";
import {
  addressBook,
  checkAddress,
  nextFree,
  sizeOf,
  subnetOf,
  type AddressUse,
} from "../planning/address-book.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

export function addressHandlers(parts: ApiParts) {
  return {
    async reserveAddress(
      request: pb.ReserveAddressRequest,
      context: CallContext,
    ): Promise<pb.ReserveAddressResponse> {
      parts.operatorOf(context);
      return reserve(request, parts);
    },

    async releaseAddress(
      request: pb.ReleaseAddressRequest,
      context: CallContext,
    ): Promise<pb.ReleaseAddressResponse> {
      parts.operatorOf(context);
      const { dryRun } = decodeWhy(request.why);
      const address = renderAddress(parseAddress(request.address, "address"));
      await parts.ledger.transact((view) => {
        const kept = view.addresses.get(addressKey({ network: request.network, address }));
        if (kept === undefined) throw notReserved(view, request.network, address);
        return { changes: dryRun ? [] : [remove("address", kept)], result: undefined };
      });
      return {};
    },

    async listAddresses(
      request: pb.ListAddressesRequest,
      context: CallContext,
    ): Promise<pb.ListAddressesResponse> {
      parts.operatorOf(context);
      return list(parts.ledger.view, request.network);
    },
  };
}

function notReserved(view: LedgerView, network: string, address: string): MusterError {
  const use = addressBook(view, findNetwork(view, network).spec).get(address);
  const hint =
    use?.kind === "vm"
      ? `VM ${use.name} has it, and gives it back when it is deleted`
      : `see: muster address ls --network ${network}`;
  return new MusterError("not-found", `${address} is not reserved on network ${network}`, { hint });
}

async function reserve(
  request: pb.ReserveAddressRequest,
  parts: ApiParts,
): Promise<pb.ReserveAddressResponse> {
  const { dryRun } = decodeWhy(request.why);
  const name = parseName(request.name, "name");
  const createdAt = parts.clock.wall().toISOString();
  const address = await parts.ledger.transact((view) => {
    const network = findNetwork(view, request.network).spec;
    const book = addressBook(view, network);
    const wanted = request.address === "" ? next(view, request.network) : request.address;
    const text = renderAddress(parseAddress(wanted, "address"));
    const same = view.addresses.get(addressKey({ network: network.name, address: text }));
    if (same?.name === name) return { changes: [], result: text };
    checkAddress(text, "address", { network, book, name: "" });
    const record = { network: network.name, address: text, name, createdAt };
    return { changes: dryRun ? [] : [put("address", record)], result: text };
  });
  return { address };
}

function next(view: LedgerView, networkName: string): string {
  const network = findNetwork(view, networkName).spec;
  const [subnet] = network.subnets;
  if (subnet === undefined) {
    const hint = `give it one: muster network set ${networkName} --subnet CIDR`;
    throw invalid("address", `network ${networkName} has no subnet`, hint);
  }
  const book = addressBook(view, network);
  const free = nextFree(subnet, (address) => book.has(address));
  if (free !== undefined) return free;
  const size = String(sizeOf(subnet));
  throw new MusterError("limit-exceeded", `all ${size} addresses of ${subnet.cidr} are taken`);
}

const byAddress = ({ address: left }: AddressUse, { address: right }: AddressUse): number => {
  const [first, second] = [parseAddress(left, "left"), parseAddress(right, "right")];
  if (first.family !== second.family) return first.family - second.family;
  return first.value < second.value ? -1 : 1;
};

function list(view: LedgerView, wanted: string): pb.ListAddressesResponse {
  const networks =
    wanted === ""
      ? [...view.networks.values()].toSorted((a, b) => a.spec.name.localeCompare(b.spec.name))
      : [findNetwork(view, wanted)];
  const answer: pb.ListAddressesResponse = { addresses: [], subnets: [] };
  for (const { spec } of networks) {
    const uses = [...addressBook(view, spec).values()].toSorted(byAddress);
    for (const { address, kind, name } of uses) {
      const parsed = parseAddress(address, "address");
      const domain = subnetOf(spec, parsed)?.domain;
      const isNamed = kind === "vm" || kind === "reservation";
      answer.addresses.push({
        network: spec.name,
        address,
        kind,
        name,
        reverseName: reverseName(parsed),
        hostName: domain === undefined || !isNamed ? "" : `${name}.${domain}`,
      });
    }
    for (const subnet of spec.subnets) {
      const used = uses.filter(
        ({ address }) => subnetOf(spec, parseAddress(address, "address")) === subnet,
      );
      answer.subnets.push({
        network: spec.name,
        cidr: subnet.cidr,
        used: BigInt(used.length),
        size: String(sizeOf(subnet)),
      });
    }
  }
  return answer;
}
