/** What a VM boots from first, where a NIC of it is to be booted from at all. Pure. */
import type { VmSpec } from "@muster/model";
import { element, type XmlTree } from "../xml/render-xml.ts";

export interface BootOrders {
  /** Undefined: no NIC is booted from, and the firmware takes the first disk. */
  readonly firstDisk: number | undefined;
  /** By position. */
  readonly nics: readonly (number | undefined)[];
}

/** The first disk takes the first place that no NIC has. A kernel that the host gives leaves nothing to choose. */
export function bootOrders({ nics, kernel }: Pick<VmSpec, "nics" | "kernel">): BootOrders {
  const wanted = nics.map(({ bootOrder }) => (kernel === undefined ? bootOrder : undefined));
  if (wanted.every((order) => order === undefined)) return { firstDisk: undefined, nics: wanted };
  let free = 1;
  while (wanted.includes(free)) free += 1;
  return { firstDisk: free, nics: wanted };
}

export const bootElement = (order: number | undefined): XmlTree | undefined =>
  order === undefined ? undefined : element("boot", { order: String(order) });
