/** Everything an agent and the coordinator may say to each other, for property tests. */
import * as fc from "fast-check";
import type { AgentMessage, Assignments, CommandAction, CoordinatorMessage } from "../link.ts";
import { anyHostInventory, anyHostLoad } from "./arbitrary-host.ts";
import {
  anyHostId,
  anyLine,
  anyName,
  anyPositiveUint32,
  anyText,
  anyUint32,
  anyUint64,
  optional,
  plainRecord,
} from "./arbitrary-basics.ts";
import {
  anyHostNetworkAssignment,
  anyHostNetworkObservation,
  anyNetworkObservation,
  anyNetworkSpec,
  anyNics,
  anyProbeResult,
  anyProbes,
} from "./arbitrary-networks.ts";
import {
  anyClusterId,
  anyCommandId,
  anyErrorDetail,
  anyMigrationStats,
  anyVmId,
  anyVmObservation,
  anyVmSpec,
} from "./arbitrary-values.ts";

const kind = <Kind extends string>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);

const anyHello = plainRecord({
  kind: kind("hello"),
  protocolVersions: fc.array(anyPositiveUint32, { maxLength: 4 }),
  agentVersion: anyLine,
  agentIncarnation: fc.uuid(),
  migrationAddress: anyLine,
  metricsAddress: fc.oneof(fc.constant(""), anyLine),
});

export const anyFullReport = fc
  .tuple(
    plainRecord({
      kind: kind("full-report"),
      sequence: anyUint64,
      inventory: anyHostInventory,
      vms: fc.array(anyVmObservation, { maxLength: 3 }),
      networks: fc.array(anyNetworkObservation, { maxLength: 3 }),
      load: anyHostLoad,
      runningCommandIds: fc.array(anyCommandId, { maxLength: 3 }),
    }),
    optional("hostNetwork", anyHostNetworkObservation),
  )
  .map(([report, hostNetwork]) => ({ ...report, ...hostNetwork }));

const anyDeltaReport = fc
  .tuple(
    plainRecord({
      kind: kind("delta-report"),
      sequence: anyUint64,
      vms: fc.array(anyVmObservation, { maxLength: 3 }),
      removedVms: fc.array(anyVmId, { maxLength: 3 }),
      networks: fc.array(anyNetworkObservation, { maxLength: 3 }),
    }),
    optional("load", anyHostLoad),
  )
  .map(([report, load]) => ({ ...report, ...load }));

const anyProgress = fc
  .tuple(
    plainRecord({ kind: kind("progress"), commandId: anyCommandId, phase: anyText }),
    optional("migration", anyMigrationStats),
  )
  .map(([progress, migration]) => ({ ...progress, ...migration }));

const anyResult = fc
  .tuple(
    plainRecord({ kind: kind("result"), commandId: anyCommandId }),
    optional("error", anyErrorDetail),
    optional("migration", anyMigrationStats),
    optional("vm", anyVmObservation),
    optional("networkBlackoutMs", anyUint32),
    optional("findings", fc.array(anyLine, { minLength: 1, maxLength: 3 })),
  )
  .map(([result, error, migration, vm, blackout, findings]) => ({
    ...result,
    ...error,
    ...migration,
    ...vm,
    ...blackout,
    ...findings,
  }));

const anyHeartbeat = fc
  .tuple(
    plainRecord({
      kind: kind("heartbeat"),
      sequence: anyUint64,
      libvirtAlive: fc.boolean(),
      number: anyUint32,
    }),
    optional(
      "lease",
      plainRecord({
        number: anyPositiveUint32,
        watchdogTimeoutMs: fc.integer({ min: 0, max: 3_600_000 }),
        assignmentsRevision: anyUint64,
      }),
    ),
  )
  .map(([heartbeat, lease]) => ({ ...heartbeat, ...lease }));

const anyQuestion = {
  revision: anyLine,
  attempt: anyPositiveUint32,
  nonce: fc.uuid(),
};

export const anyAgentMessage: fc.Arbitrary<AgentMessage> = fc.oneof<fc.Arbitrary<AgentMessage>[]>(
  anyHello,
  anyFullReport,
  anyDeltaReport,
  anyHeartbeat,
  plainRecord({ kind: kind("network-applied"), ...anyQuestion }),
  plainRecord({
    kind: kind("probe-report"),
    results: fc.array(anyProbeResult, { maxLength: 4 }),
  }),
  anyProgress,
  anyResult,
);

const anyMigrateAction = plainRecord({
  kind: kind("migrate-vm"),
  vmId: anyVmId,
  targetUri: anyLine,
  bandwidthMibPerSecond: anyUint32,
  autoConverge: fc.boolean(),
  copyStorage: fc.boolean(),
  tls: fc.boolean(),
  downtimeLimitMs: anyUint32,
  migrationAddress: fc.oneof(fc.constant(""), anyLine),
});

export const anyCommandAction: fc.Arbitrary<CommandAction> = fc.oneof<
  fc.Arbitrary<CommandAction>[]
>(
  fc
    .tuple(
      plainRecord({
        kind: kind("define-vm"),
        vmId: anyVmId,
        spec: anyVmSpec,
        generation: anyPositiveUint32,
      }),
      optional("existingVolumes", fc.constant(true as const)),
    )
    .map(([define, existing]) => ({ ...define, ...existing })),
  plainRecord({ kind: kind("confirm-policy"), vmId: anyVmId }),
  plainRecord({ kind: kind("read-storage-heartbeat"), hostId: anyHostId }),
  plainRecord({
    kind: kind("run-fence"),
    agent: fc.constantFrom("fence_ipmilan", "fence_apc"),
    action: fc.constantFrom("off" as const, "on" as const, "status" as const, "monitor" as const),
    parameters: fc
      .dictionary(fc.constantFrom("ip", "username", "ssl-insecure"), anyLine)
      .map((parameters) => ({ ...parameters })),
  }),
  plainRecord({ kind: kind("start-vm"), vmId: anyVmId, spec: anyVmSpec }),
  plainRecord({ kind: fc.constantFrom("pause-vm", "resume-vm"), vmId: anyVmId }),
  plainRecord({ kind: kind("stop-vm"), vmId: anyVmId, force: fc.boolean(), graceMs: anyUint32 }),
  plainRecord({ kind: kind("reboot-vm"), vmId: anyVmId, force: fc.boolean() }),
  plainRecord({
    kind: kind("delete-vm"),
    vmId: anyVmId,
    deleteVolumes: fc.boolean(),
    spec: anyVmSpec,
  }),
  plainRecord({ kind: kind("prepare-arrival"), vmId: anyVmId, spec: anyVmSpec }),
  anyMigrateAction,
  plainRecord({
    kind: fc.constantFrom("finish-arrival", "clean-departure"),
    vmId: anyVmId,
    generation: anyPositiveUint32,
  }),
  plainRecord({ kind: kind("open-console"), vmId: anyVmId, ticket: anyLine, force: fc.boolean() }),
);

const anyInterval = fc.integer({ min: 1, max: 3_600_000 });

const anyWelcome = plainRecord({
  kind: kind("welcome"),
  protocolVersion: anyPositiveUint32,
  heartbeatIntervalMs: anyInterval,
  fullReportIntervalMs: anyInterval,
  sampleIntervalMs: anyInterval,
  clusterId: anyClusterId,
  reconnectSpreadMs: fc.nat({ max: 600_000 }),
  leaseMs: fc.integer({ min: 0, max: 3_600_000 }),
});

const anyVmAssignment = fc
  .tuple(
    plainRecord({
      id: anyVmId,
      name: anyName,
      generation: anyPositiveUint32,
      nics: anyNics,
    }),
    optional("guarded", fc.constant(true as const)),
    optional("autostart", fc.constant(true as const)),
  )
  .map(([assignment, guarded, autostart]) => ({ ...assignment, ...guarded, ...autostart }));

export const anyAssignments: fc.Arbitrary<Assignments> = fc
  .tuple(
    plainRecord({
      kind: kind("assignments"),
      appliesTo: anyUint64,
      resultsIn: anyUint64,
      networks: fc.array(anyNetworkSpec, { maxLength: 3 }),
      removedNetworks: fc.array(anyName, { maxLength: 3 }),
      vms: fc.array(anyVmAssignment, { maxLength: 3 }),
      removedVms: fc.array(anyVmId, { maxLength: 3 }),
    }),
    optional("hostNetwork", anyHostNetworkAssignment),
    optional("probes", anyProbes),
    optional(
      "coordinators",
      fc.array(fc.constantFrom("https://c1:7443", "https://c2:7443"), {
        minLength: 1,
        maxLength: 3,
      }),
    ),
  )
  .map(([assignments, ...others]) => Object.assign({}, assignments, ...others) as Assignments);

export const anyCoordinatorMessage: fc.Arbitrary<CoordinatorMessage> = fc.oneof<
  fc.Arbitrary<CoordinatorMessage>[]
>(
  anyWelcome,
  anyAssignments,
  plainRecord({
    kind: kind("command"),
    commandId: anyCommandId,
    timeoutMs: anyUint32,
    action: anyCommandAction,
  }),
  plainRecord({ kind: fc.constantFrom("cancel", "acknowledge"), commandId: anyCommandId }),
  plainRecord({ kind: kind("request-report") }),
  plainRecord({ kind: kind("heartbeat-answer"), number: anyUint32 }),
  plainRecord({ kind: kind("confirm-network"), ...anyQuestion }),
  plainRecord({ kind: kind("lease-renewed"), number: anyUint32 }),
);
