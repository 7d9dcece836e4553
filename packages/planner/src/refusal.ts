/**
 * Why a host cannot take a VM, as data.
 *
 * Every figure a person needs to judge or mend it is a field; sizes are in MiB and every value survives
 * JSON. {@link import("./explain.ts").renderRefusal} turns one into a sentence.
 */
export type Refusal =
  | { readonly check: "host-exists"; readonly hostId: string }
  | { readonly check: "host-is-online"; readonly state: string }
  | { readonly check: "host-is-not-cordoned" }
  | { readonly check: "host-is-not-excluded"; readonly why: string }
  | { readonly check: "pinned"; readonly pinnedTo: readonly string[] }
  | { readonly check: "pool"; readonly wanted: string; readonly found: string | null }
  | { readonly check: "tenant"; readonly tenant: string; readonly allowed: readonly string[] }
  | {
      readonly check: "environment";
      readonly wanted: string;
      readonly found: string;
      readonly allowed: readonly string[];
    }
  | { readonly check: "host-labels"; readonly missing: readonly MissingLabel[] }
  | { readonly check: "machine-type"; readonly wanted: string }
  | {
      readonly check: "cpu-compatible";
      readonly model: string | null;
      readonly missingFeatures: readonly string[];
    }
  | {
      readonly check: "networks-present";
      readonly missing: readonly string[];
      /** What is known of why. */
      readonly problems?: readonly NetworkRefusal[];
    }
  | { readonly check: "required-networks"; readonly problems: readonly NetworkRefusal[] }
  | { readonly check: "storages-reachable"; readonly missing: readonly string[] }
  | ({ readonly check: "storage-space"; readonly storage: string } & ShortOf)
  | ({ readonly check: "enough-cpu"; readonly overcommit: number } & ShortOfCapacity)
  | ({ readonly check: "enough-memory" } & ShortOfCapacity)
  | ({ readonly check: "enough-hugepages"; readonly pageKiB: number } & ShortOfCapacity)
  | { readonly check: "vms-per-host"; readonly vms: number; readonly max: number }
  | {
      readonly check: "numa-fit";
      readonly cellsWanted: number;
      readonly cells: readonly NumaCellRoom[];
      readonly cpusPerCell: number;
      readonly memoryMiBPerCell: number;
    }
  | {
      readonly check: "group-rules";
      readonly rule: string;
      readonly mode: "spread" | "pack";
      readonly level: string;
      readonly domain: string;
      /** Names of the members that stand in the way (spread) or that it must join (pack); at most ten. */
      readonly members: readonly string[];
      readonly memberCount: number;
      readonly max: number;
    }
  | {
      readonly check: "survives-failure";
      readonly level: string;
      /** The domain whose loss the others could no longer absorb. */
      readonly domain: string;
      readonly count: number;
      /** The VM that would have nowhere to go. */
      readonly stranded: string;
      readonly strandedCpus: number;
      readonly strandedMemoryMiB: number;
    };

export interface NetworkRefusal {
  readonly network: string;
  readonly problem: string;
}

interface ShortOf {
  readonly wantedMiB: number;
  readonly freeMiB: number;
  readonly shortMiB: number;
}

/** CPUs for `enough-cpu`, MiB for the others. `capacity` is after reserve and overcommit. */
interface ShortOfCapacity {
  readonly wanted: number;
  readonly free: number;
  readonly short: number;
  readonly capacity: number;
}

export interface MissingLabel {
  readonly key: string;
  readonly wanted: string;
  readonly found: string | null;
}

export interface NumaCellRoom {
  readonly id: number;
  readonly freeCpus: number;
  readonly freeMemoryMiB: number;
}

export type CheckName = Refusal["check"];
