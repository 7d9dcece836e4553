/** The public API, as a person at the coordinator would use it. */
import {
  claimHandlers,
  drainHandlers,
  hostHandlers,
  networkHandlers,
  operationHandlers,
  policyHandlers,
  ruleHandlers,
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
  { clock, random, capacity }: Pick<ApiParts, "clock" | "random" | "capacity">,
) {
  const { ledger, observations, runner, events, consoles, snapshots } = coordinator;
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
    networks: networkHandlers(parts),
    operations: operationHandlers(parts),
    claims: claimHandlers(parts),
    rules: ruleHandlers(parts),
    policy: policyHandlers(parts),
  };
}
