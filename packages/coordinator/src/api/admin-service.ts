/** The public API: one handler for every call of proto/muster/v1/admin.proto. */
import { isPlanOver } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import { implement, type RpcService } from "@muster/runtime";
import type { Fencing } from "../ha/fencing.ts";
import type { Commands } from "../sessions/commands.ts";
import { addressHandlers } from "./addresses.ts";
import type { AuditScope } from "../audit/audit-scope.ts";
import { audited, auditHandlers } from "./audit.ts";
import { claimHandlers } from "./claims.ts";
import type { Contexts } from "../contexts/contexts.ts";
import type { KeyRing } from "../contexts/key-ring.ts";
import { contextHandlers } from "./contexts.ts";
import { consoleHandler } from "./console.ts";
import { drainHandlers } from "./drain-host.ts";
import { fenceDeviceHandlers } from "./fence-devices.ts";
import { fenceHostHandlers } from "./fence-host.ts";
import { groupHandlers } from "./groups.ts";
import { haHandlers, type HaParts } from "./ha.ts";
import { hostNetworkHandlers } from "./host-network.ts";
import { hostHandlers } from "./hosts.ts";
import { explainHostHandlers } from "./explain-host.ts";
import { imageHandlers } from "./images.ts";
import { keptPlanHandlers } from "./kept-plans.ts";
import { returnHandlers } from "./return-host.ts";
import { networkCheckHandlers } from "./network-check.ts";
import { networkHandlers } from "./networks.ts";
import { operationHandlers } from "./operations.ts";
import { coordinatorHandlers, type CoordinatorsParts } from "./coordinators.ts";
import { planHandlers } from "./plans.ts";
import { encodeRebalanceStatus, policyHandlers } from "./policy.ts";
import { ruleHandlers } from "./rules.ts";
import { uplinkHandlers } from "./uplinks.ts";
import { virtualClusterHandlers } from "./virtual-clusters.ts";
import type { ReverseNames } from "../virtual-clusters/public-names.ts";
import { vmHandlers } from "./vms.ts";

export function adminService(
  parts: CoordinatorsParts,
  help: {
    readonly commands: Commands;
    readonly fencing: Fencing;
    readonly ha: HaParts;
    readonly audit: AuditScope;
    readonly reverseNames: ReverseNames;
    readonly contexts: Contexts;
    readonly keyRing: KeyRing;
  },
): RpcService {
  const { commands, fencing, ha, audit, contexts, keyRing } = help;
  const handlers: Parameters<typeof implement<typeof AdminService>>[1] = {
    async getCluster(_request, context) {
      parts.operatorOf(context);
      const { agentAddresses, authorityFingerprint, metricsAddress, version } = parts.about;
      return {
        clusterId: parts.ledger.view.cluster.id,
        version,
        authorityFingerprint,
        agentAddresses: [...agentAddresses],
        metricsAddress,
        rebalance: encodeRebalanceStatus(parts),
        openPlans: [...parts.ledger.view.plans.values()]
          .filter(({ state }) => !isPlanOver(state))
          .map(({ id, kind, state }) => `${id} (${kind}, ${state})`),
      };
    },
    ...coordinatorHandlers(parts),
    ...hostHandlers(parts),
    ...vmHandlers({ ...parts, keyRing }),
    ...contextHandlers(parts, { contexts, keyRing }),
    ...networkHandlers(parts),
    ...networkCheckHandlers(parts),
    ...hostNetworkHandlers(parts),
    ...uplinkHandlers(parts),
    ...addressHandlers(parts),
    ...operationHandlers(parts),
    ...planHandlers(parts),
    ...keptPlanHandlers(parts),
    ...returnHandlers(parts),
    ...explainHostHandlers(parts),
    ...drainHandlers(parts),
    ...ruleHandlers(parts),
    ...policyHandlers(parts),
    ...claimHandlers(parts),
    ...groupHandlers(parts),
    ...imageHandlers(parts),
    ...haHandlers(parts, ha),
    ...fenceHostHandlers(parts),
    ...fenceDeviceHandlers(parts, { commands, fencing }),
    ...auditHandlers(parts),
    ...virtualClusterHandlers(parts, help.reverseNames),
    openConsole: consoleHandler(parts, commands),
  };
  return implement(AdminService, audited(handlers, parts, audit));
}
