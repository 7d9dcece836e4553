/** The public API, as a person at the coordinator would use it. */
import {
  contextHandlers,
  addressHandlers,
  audited,
  claimHandlers,
  drainHandlers,
  explainHostHandlers,
  fenceDeviceHandlers,
  fenceHostHandlers,
  groupHandlers,
  haHandlers,
  hostHandlers,
  imageHandlers,
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
  virtualClusterHandlers,
  vmHandlers,
  type ApiParts,
  type Coordinator,
} from "@muster/coordinator";
import { simulatedReverseNames as reverseNames } from "./simulated-reverse-names.ts";
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
      authorityFingerprint: "00".repeat(32),
      metricsAddress: "",
    },
    operatorOf: () => "simulation",
  };
  const { keyRing } = coordinator;
  // As the service does it: each call under the name of its caller.
  const under = <Handlers extends object>(handlers: Handlers): Handlers =>
    audited(handlers, parts, coordinator.audit);
  return {
    context,
    hosts: under(hostHandlers(parts)),
    drains: under(drainHandlers(parts)),
    vms: under(vmHandlers({ ...parts, keyRing })),
    contexts: under(contextHandlers(parts, { contexts: coordinator.contexts, keyRing })),
    networks: under({
      ...networkHandlers(parts),
      ...networkCheckHandlers(parts),
      ...hostNetworkHandlers(parts),
      ...uplinkHandlers(parts),
      ...addressHandlers(parts),
    }),
    operations: under(operationHandlers(parts)),
    claims: under(claimHandlers(parts)),
    images: under(imageHandlers(parts)),
    rules: under(ruleHandlers(parts)),
    policy: under(policyHandlers(parts)),
    plans: under(planHandlers(parts)),
    kept: under(keptPlanHandlers(parts)),
    returns: under(returnHandlers(parts)),
    explain: under(explainHostHandlers(parts)),
    ha: under(haHandlers(parts, coordinator.haParts)),
    fences: under(fenceHostHandlers(parts)),
    groups: under(groupHandlers(parts)),
    clusters: under(virtualClusterHandlers(parts, reverseNames)),
    fenceDevices: under(fenceDeviceHandlers(parts, coordinator)),
  };
}
