/** What the agent keeps in its data directory besides its identity. It belongs to one membership of one cluster. */
import { join } from "node:path";

export const journalPath = (dataDirectory: string): string => join(dataDirectory, "journal");

export const assignmentsPath = (dataDirectory: string): string =>
  join(dataDirectory, "assignments.json");

/** The last boot of the host that the agent has seen to. */
export const bootPath = (dataDirectory: string): string => join(dataDirectory, "boot");

export const networkMemoryPath = (dataDirectory: string): string =>
  join(dataDirectory, "networks.json");
