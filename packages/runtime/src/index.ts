export { systemClock, type Clock } from "./clock.ts";
export type { Link } from "./link.ts";
export type { Log } from "./log-port.ts";
export { Loop, type LoopStatus, type Reconciler } from "./loop.ts";
export { Mailbox } from "./mailbox.ts";
export { seededRandom, systemRandom, type Random } from "./random.ts";
export { SimulatedClock } from "./simulated-clock.ts";
