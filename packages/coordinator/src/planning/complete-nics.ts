/** Gives the NICs of a new VM what they lack: addresses of the network's subnets, then MACs. Pure. */
import {
  invalid,
  MusterError,
  vlanOf,
  type NetworkRecord,
  type NetworkSpec,
  type NicSpec,
  type SubnetSpec,
  type VlanRange,
  type VmId,
} from "@muster/model";
import type { NicDraft, VmSpecDraft } from "@muster/model/wire";
import type { LedgerView } from "../ledger/view.ts";
import { addressBook, checkAddress, nextFree, sizeOf, type AddressUse } from "./address-book.ts";
import { MacGiver, macsInUse } from "./mac-pool.ts";

export interface CompletedNics {
  readonly nics: readonly NicSpec[];
  readonly macCount: number;
}

interface Asked {
  readonly network: NetworkSpec;
  /** Of the VM. */
  readonly name: string;
  readonly field: string;
}

/** Of the networks of one VM, growing while its NICs get theirs. */
type Books = Map<string, Map<string, AddressUse>>;

function bookOf(books: Books, view: LedgerView, network: NetworkSpec): Map<string, AddressUse> {
  const known = books.get(network.name);
  if (known !== undefined) return known;
  const book = new Map(addressBook(view, network));
  books.set(network.name, book);
  return book;
}

/** What is kept for this VM in the subnet, else the next that is free. */
function addressIn(
  subnet: SubnetSpec,
  book: ReadonlyMap<string, AddressUse>,
  { network, name, field }: Asked,
): string {
  const isOwn = (use: AddressUse): boolean => use.kind === "reservation" && use.name === name;
  const alone = { ...network, subnets: [subnet] };
  const kept = [...book.values()].find(
    (use) => isOwn(use) && isIn(alone, use.address, { book, name }),
  );
  const free = kept?.address ?? nextFree(subnet, (address) => book.has(address));
  if (free !== undefined) return free;
  throw new MusterError(
    "limit-exceeded",
    `${field}: all ${String(sizeOf(subnet))} addresses of ${subnet.cidr} on network ${network.name} are taken`,
    {
      hint: `widen its ranges, or see who has them: muster address ls --network ${network.name}`,
    },
  );
}

function isIn(
  network: NetworkSpec,
  address: string,
  { book, name }: { readonly book: ReadonlyMap<string, AddressUse>; readonly name: string },
): boolean {
  try {
    checkAddress(address, "", { network, book, name });
    return true;
  } catch (error) {
    if (error instanceof MusterError) return false;
    throw error;
  }
}

function addressesFor(
  draft: NicDraft,
  book: Map<string, AddressUse>,
  asked: Asked,
): readonly string[] {
  const { network, name, field } = asked;
  const give = (address: string): string => {
    book.set(address, { address, kind: "vm", name });
    return address;
  };
  if (draft.addresses === undefined) {
    return network.subnets.map((subnet) => give(addressIn(subnet, book, asked)));
  }
  return draft.addresses.map((address, index) => {
    checkAddress(address, `${field}.addresses[${String(index)}]`, { network, book, name });
    return give(address);
  });
}

const covers = (allowed: readonly VlanRange[], wish: VlanRange): boolean => {
  // The allowed ranges are in order; neighbours count as one.
  let next = wish.first;
  for (const { first, last } of allowed) if (first <= next && next <= last) next = last + 1;
  return next > wish.last;
};

function checkTrunk(draft: NicDraft, { network, field }: Asked): void {
  if (draft.trunk === undefined) return;
  const { segment } = network;
  if (segment.kind !== "trunk") {
    const vlan = vlanOf(network);
    const what = vlan === 0 ? segment.kind : `VLAN ${String(vlan)}`;
    throw invalid(`${field}.trunk`, `network ${network.name} is no trunk but ${what}`);
  }
  const outside = draft.trunk.find((wish) => !covers(segment.vlans, wish));
  if (outside === undefined) return;
  const allowed = segment.vlans.map(({ first, last }) => `${String(first)}-${String(last)}`);
  throw invalid(
    `${field}.trunk`,
    `VLANs ${String(outside.first)}-${String(outside.last)} are not all in network ${network.name}`,
    `allowed there: ${allowed.join(", ")}`,
  );
}

export function networkFor(
  networks: ReadonlyMap<string, NetworkRecord>,
  draft: NicDraft,
  field: string,
): NetworkRecord {
  const network = networks.get(draft.network);
  if (network === undefined) {
    const known = [...networks.keys()].toSorted().join(", ");
    const hint = known === "" ? "define it first: muster network create" : `networks: ${known}`;
    throw invalid(`${field}.network`, `there is no network "${draft.network}"`, hint);
  }
  if (!network.removing) return network;
  throw invalid(`${field}.network`, `network ${draft.network} is being removed`);
}

/** For the VMs of one decision, one after another: what one was given, the next is not. */
export class NicGiver {
  readonly #view: LedgerView;
  readonly #networks: ReadonlyMap<string, NetworkRecord>;
  readonly #books: Books = new Map();
  readonly #macs: MacGiver;

  constructor(
    view: LedgerView,
    sources: {
      readonly wildMacs: ReadonlySet<string>;
      /** Made in the same decision. */
      readonly newNetwork?: NetworkRecord;
    },
  ) {
    const { newNetwork, wildMacs } = sources;
    this.#view = view;
    this.#networks =
      newNetwork === undefined
        ? view.networks
        : new Map([...view.networks, [newNetwork.spec.name, newNetwork]]);
    this.#macs = new MacGiver(view.cluster, macsInUse(view, wildMacs));
  }

  /** The cluster's counter of MACs afterwards. */
  get macCount(): number {
    return this.#macs.count;
  }

  complete({ name, nics }: Pick<VmSpecDraft, "name" | "nics">, vmId: VmId): readonly NicSpec[] {
    nics.forEach((nic, index) => {
      this.#macs.take(nic.mac, `nics[${String(index)}].mac`);
    });
    return nics.map((draft, index): NicSpec => {
      const field = `nics[${String(index)}]`;
      const network = networkFor(this.#networks, draft, field).spec;
      const asked = { network, name, field };
      checkTrunk(draft, asked);
      const addresses = addressesFor(draft, bookOf(this.#books, this.#view, network), asked);
      const mac = draft.mac ?? this.#macs.give(network.macs, { addresses, field, vmId });
      const { addresses: _wished, ...rest } = draft;
      return { ...rest, mac, ...(addresses.length === 0 ? {} : { addresses }) };
    });
  }
}

export function completeNics(
  view: LedgerView,
  draft: Pick<VmSpecDraft, "name" | "nics">,
  sources: { readonly vmId: VmId; readonly wildMacs: ReadonlySet<string> },
): CompletedNics {
  // Whoever wants no address need not wait until all that are taken are known.
  if (draft.nics.length === 0) return { nics: [], macCount: view.cluster.macCount };
  const giver = new NicGiver(view, sources);
  const nics = giver.complete(draft, sources.vmId);
  return { nics, macCount: giver.macCount };
}
