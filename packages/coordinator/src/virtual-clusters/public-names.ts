/**
 * A public address with a name for each cluster that is about to be booted. Looking the name up takes time, so it
 * happens before the decision; two boots at once are offered different addresses, and the decision checks again.
 */
import { MusterError, parseAddress, parseSubnet } from "@muster/model";
import type { LedgerView } from "../ledger/view.ts";
import { findNetwork } from "../ledger/view.ts";
import { addressBook, nextFree } from "../planning/address-book.ts";

/** Names of addresses, as the site's DNS has them. Undefined: it has none. Throws when it does not answer. */
export interface ReverseNames {
  nameOf(address: string): Promise<string | undefined>;
}

export const noReverseNames: ReverseNames = { nameOf: () => Promise.resolve(undefined) };

export interface PublicAddress {
  readonly address: string;
  /** Empty: the address has no name. */
  readonly fullName: string;
}

/** The lowest IPv4 address that nobody has and that is not offered to somebody else; the public network's first. */
export function freePublicAddress(
  view: LedgerView,
  isOffered: (address: string) => boolean = () => false,
): string | undefined {
  const { publicNetwork } = view.virtualClusterSettings;
  if (publicNetwork === undefined) return undefined;
  const { spec } = findNetwork(view, publicNetwork);
  const book = addressBook(view, spec);
  for (const subnet of spec.subnets) {
    if (parseSubnet(subnet.cidr, "subnet").family !== 4) continue;
    const free = nextFree(subnet, (address) => book.has(address) || isOffered(address));
    if (free !== undefined) return free;
  }
  const ranges = spec.subnets.map(({ cidr }) => cidr).join(", ");
  throw new MusterError("limit-exceeded", `no public address is free on network ${publicNetwork}`, {
    reasons: [ranges === "" ? "it has no subnets" : `its subnets: ${ranges}`],
    hint: `clean a cluster, or widen the ranges: muster network set ${publicNetwork} --subnet`,
  });
}

export class PublicNames {
  readonly #names: ReverseNames;
  readonly #offered = new Set<string>();

  constructor(names: ReverseNames) {
    this.#names = names;
  }

  /** The address is nobody else's while `use` runs. Undefined: the site gives clusters none. */
  async offer<Result>(
    view: LedgerView,
    use: (offered: PublicAddress | undefined) => Promise<Result>,
    wantsName: boolean,
  ): Promise<Result> {
    const address = freePublicAddress(view, (other) => this.#offered.has(other));
    if (address === undefined) return use(undefined);
    this.#offered.add(address);
    try {
      return await use({ address, fullName: await this.#lookUp(address, wantsName) });
    } finally {
      this.#offered.delete(address);
    }
  }

  async #lookUp(address: string, wantsName: boolean): Promise<string> {
    try {
      const name = await this.#names.nameOf(address);
      return name !== undefined && !isAddress(name) ? name.toLowerCase() : "";
    } catch (cause) {
      // Only who wants to be named after it has to have the name.
      if (!wantsName) return "";
      throw new MusterError("unreachable", `the name of public address ${address} is not known`, {
        cause,
        hint: "name servers did not answer; give the cluster a name: --name NAME",
      });
    }
  }
}

function isAddress(text: string): boolean {
  try {
    parseAddress(text, "name");
    return true;
  } catch {
    return false;
  }
}
