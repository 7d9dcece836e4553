/** The public API, as a person at the coordinator would use it. */
import {
  addressHandlers,
  claimHandlers,
  drainHandlers,
  explainHostHandlers,
  fenceDeviceHandlers,
  fenceHostHandlers,
  haHandlers,
  hostHandlers,
  keptPlanHandlers,
  hostNetworkHandlers,
  networkCheckHandlers,
  networkHandlers,
  operationHandlers,
  planHandlers,
  policyHandlers,
  returnHandlers,
  ruleHandlers,
  uplinkHandlers,
  vmHandlers,
  type ApiParts,
  type Coordinator,
} from "@muster/coordinator";
import { silentLogger, type CallContext } from "@muster/runtime";

/** A person who never hangs up. */
const context: CallContext = {
  peer: { kind: "local" },
  signal: new AbortController().signal,
  method: "simulated",
};

export function personsApi(
  coordinator: Coordinator,
  {
    clock,
    random,
    capacity,
    questions,
  }: Pick<ApiParts, "clock" | "random" | "capacity" | "questions">,
) {
  const { ledger, observations, runner, events, consoles, snapshots, rebalancer } = coordinator;
  const parts: ApiParts = {
    ledger,
    observations,
    runner,
    events,
    consoles,
    clock,
    random,
    log: silentLogger,
    capacity,
    snapshots,
    questions,
    rebalancer,
    migrationTls: true,
    about: {
      version: "0.1.0",
      agentAddresses: ["https://coordinator:7443"],
      authorityFingerprint: "",
      metricsAddress: "",
    },
    operatorOf: () => "simulation",
  };
  return {
    context,
    hosts: hostHandlers(parts),
    drains: drainHandlers(parts),
    vms: vmHandlers(parts),
    networks: {
      ...networkHandlers(parts),
      ...networkCheckHandlers(parts),
      ...hostNetworkHandlers(parts),
      ...uplinkHandlers(parts),
      ...addressHandlers(parts),
    },
    operations: operationHandlers(parts),
    claims: claimHandlers(parts),
    rules: ruleHandlers(parts),
    policy: policyHandlers(parts),
    plans: planHandlers(parts),
    kept: keptPlanHandlers(parts),
    returns: returnHandlers(parts),
    explain: explainHostHandlers(parts),
    ha: haHandlers(parts, coordinator.haParts),
    fences: fenceHostHandlers(parts),
    fenceDevices: fenceDeviceHandlers(parts, coordinator),
  };
}
