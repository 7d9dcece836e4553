import type { Filter } from "../filter.ts";
import { cpuCompatible } from "./cpu-compatible.ts";
import { enoughCpu } from "./enough-cpu.ts";
import { enoughHugepages } from "./enough-hugepages.ts";
import { enoughMemory } from "./enough-memory.ts";
import { environment } from "./environment.ts";
import { groupRules } from "./group-rules.ts";
import { hostIsNotCordoned } from "./host-is-not-cordoned.ts";
import { hostIsNotExcluded } from "./host-is-not-excluded.ts";
import { hostIsOnline } from "./host-is-online.ts";
import { hostLabels } from "./host-labels.ts";
import { machineType } from "./machine-type.ts";
import { networksPresent } from "./networks-present.ts";
import { numaFit } from "./numa-fit.ts";
import { pinned } from "./pinned.ts";
import { pool } from "./pool.ts";
import { requiredNetworks } from "./required-networks.ts";
import { storageSpace } from "./storage-space.ts";
import { storagesReachable } from "./storages-reachable.ts";
import { survivesFailure } from "./survives-failure.ts";
import { tenant } from "./tenant.ts";
import { vmsPerHost } from "./vms-per-host.ts";

/** Rules that look only at facts about host and request, which no placement changes. */
export const staticFilters: readonly Filter[] = [
  hostIsOnline,
  hostIsNotCordoned,
  pinned,
  pool,
  tenant,
  environment,
  hostLabels,
  machineType,
  cpuCompatible,
  networksPresent,
  requiredNetworks,
  storagesReachable,
];

/** Rules that look at the accounts, cheapest first. */
export const accountFilters: readonly Filter[] = [
  hostIsNotExcluded,
  enoughMemory,
  enoughCpu,
  vmsPerHost,
  enoughHugepages,
  storageSpace,
  numaFit,
  groupRules,
];

/**
 * Every hard rule. The order changes speed and wording, never the answer; the last one is asked of the
 * best hosts first, because it is dear.
 */
export const filters: readonly Filter[] = [...staticFilters, ...accountFilters, survivesFailure];
