/** Everything that may happen to a simulated cluster. */
import type { Deed } from "./deed.ts";
import { faults } from "./faults.ts";
import { hostFailures } from "./host-failures.ts";
import { planRequests } from "./plan-requests.ts";
import { requests } from "./requests.ts";

export const allDeeds: readonly Deed[] = [...requests, ...planRequests, ...hostFailures, ...faults];
