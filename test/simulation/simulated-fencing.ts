/** Fence devices of a simulated machine room: each switches the power of the host that its "plug" names. */
import type { Fencing } from "@muster/coordinator";
import type { FenceOrder, FenceOutcome } from "@muster/runtime";

/** A seal anybody can open: nothing in a simulation is secret. */
const seal = { seal: (text: string) => `sealed:${text}`, open: (text: string) => text.slice(7) };

export const simulatedFencing = (run: (order: FenceOrder) => Promise<FenceOutcome>): Fencing => ({
  runner: { run },
  seal,
});
