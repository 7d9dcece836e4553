/** A VM's spec as `-o json` shows it, wherever that is written: field names are a contract with scripts. */
import type { NicRates, NicSpec, VmSpec } from "@muster/proto/types";
import { renderVlans } from "../network.ts";

/** A NIC without what is as usual, so that it can be given back in a spec file. */
export interface NicView {
  readonly network: string;
  readonly mac: string;
  readonly addresses?: readonly string[];
  readonly trunk?: string;
  readonly model?: string;
  readonly rates?: Readonly<NicRates>;
  readonly unguarded?: boolean;
  readonly bootOrder?: number;
  readonly linkDown?: boolean;
}

export type VmSpecView = Readonly<Omit<VmSpec, "nics">> & { readonly nics: readonly NicView[] };

const viewNic = (wire: NicSpec): NicView => ({
  network: wire.network,
  mac: wire.mac,
  ...(wire.addresses.length === 0 ? {} : { addresses: wire.addresses }),
  ...(wire.trunk.length === 0 ? {} : { trunk: renderVlans(wire.trunk) }),
  ...(wire.model === "" ? {} : { model: wire.model }),
  ...(wire.rates === undefined ? {} : { rates: wire.rates }),
  ...(wire.unguarded ? { unguarded: true } : {}),
  ...(wire.bootOrder === 0 ? {} : { bootOrder: wire.bootOrder }),
  ...(wire.linkDown ? { linkDown: true } : {}),
});

export const viewVmSpec = (wire: VmSpec): VmSpecView => ({
  ...wire,
  nics: wire.nics.map(viewNic),
});
