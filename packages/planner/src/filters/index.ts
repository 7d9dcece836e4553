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
import { storageSpace } from "./storage-space.ts";
import { storagesReachable } from "./storages-reachable.ts";
import { tenant } from "./tenant.ts";
import { vmsPerHost } from "./vms-per-host.ts";

/** Every hard rule, cheapest first: the order changes speed and wording, never the answer. */
export const filters: readonly Filter[] = [
  hostIsOnline,
  hostIsNotCordoned,
  hostIsNotExcluded,
  enoughMemory,
  enoughCpu,
  vmsPerHost,
  pinned,
  pool,
  tenant,
  environment,
  hostLabels,
  machineType,
  cpuCompatible,
  networksPresent,
  storagesReachable,
  enoughHugepages,
  storageSpace,
  numaFit,
  groupRules,
];
