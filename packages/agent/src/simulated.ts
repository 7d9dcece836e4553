/** What a simulated cluster is made of: the agent's ports on a world that only exists in memory. */
export { MemoryAssignmentStore } from "./assignments/assignment-store.ts";
export { MemoryBootStore } from "./autostart/boot-store.ts";
export { MemoryLease } from "./guard/lease-file.ts";
export { noStorageHeartbeats } from "./guard/storage-heartbeats.ts";
export { SimulatedWatchdog } from "./guard/simulated-watchdog.ts";
export { KeptNetworkMemory } from "./assignments/network-memory.ts";
export { SimulatedHypervisor } from "./hypervisor/simulated/simulated-hypervisor.ts";
export { SimulatedWorld } from "./hypervisor/simulated/simulated-world.ts";
export {
  SimulatedImageCache,
  SimulatedImageDisk,
  SimulatedLibrary,
} from "./images/simulated-image-cache.ts";
export { collectInventory } from "./inventory/collect-inventory.ts";
export { FileJournal } from "./journal/file-journal.ts";
export type { Journal } from "./journal/journal.ts";
export type { LogFile } from "./journal/log-file.ts";
export { MemoryJournal } from "./journal/memory-journal.ts";
export { SimulatedHostNetworks } from "./networks/simulated/simulated-host-networks.ts";
export { SimulatedNetworkDriver } from "./networks/simulated/simulated-network-driver.ts";
