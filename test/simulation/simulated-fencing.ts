/** Fence devices of a simulated machine room: each switches the power of the host that its "plug" names. */
import type { Fencing } from "@muster/coordinator";
import type { FenceOrder, FenceOutcome } from "@muster/runtime";

/** A seal anybody can open, and nobody reads by accident. */
const seal = {
  seal: (text: string) => `sealed:${Buffer.from(text).toString("hex")}`,
  open: (text: string) => Buffer.from(text.slice(7), "hex").toString(),
};

export const simulatedFencing = (run: (order: FenceOrder) => Promise<FenceOutcome>): Fencing => ({
  runner: { run },
  seal,
});
