/** Moves a VM live: decides where to and claims its place there in one step. */
import type { VmRecord } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import { findHost, type LedgerView } from "../ledger/view.ts";
import { findManagedVm } from "./wild-vms.ts";
import type { MigrateVmParameters } from "../operations/migrate-vm.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import { decideMigrate, type MigrateDecision } from "../planning/decide-migrate.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { about, checkFree, encodeAnswer, encodeNow, snapshotOf } from "./vm-requests.ts";

export async function migrateVm(
  request: pb.MigrateVmRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.MigrateVmResponse> {
  const why = decodeWhy(request.why);
  const decide = (view: LedgerView): MigrateDecision & { readonly vm: VmRecord } => {
    const vm = findManagedVm(parts, request.vm);
    checkFree(vm, view);
    const target = request.host === "" ? {} : { target: findHost(view, request.host) };
    const sourceHost =
      vm.placement === undefined ? undefined : parts.observations.get(vm.placement.hostId);
    const sources = { snapshot: snapshotOf(parts), sourceHost };
    return {
      vm,
      ...decideMigrate(view, { vm, copyStorage: request.copyStorage, ...target }, sources),
    };
  };
  if (why.dryRun) {
    const { target, answer, explanation } = decide(parts.ledger.view);
    return {
      operation: undefined,
      targetHost: target.name,
      explanation: encodeAnswer(answer, explanation),
    };
  }
  let decision: MigrateDecision | undefined;
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "vm-migrate" },
    (view): Accepted<MigrateVmParameters> => {
      const { vm, ...decided } = decide(view);
      decision = decided;
      const parameters: MigrateVmParameters = {
        vmId: vm.id,
        sourceId: decided.source.id,
        targetId: decided.target.id,
        targetAddress: parts.observations.get(decided.target.id)?.migrationAddress ?? "",
        generation: decided.generation,
        bandwidthMibPerSecond: request.bandwidthMibPerSecond,
        autoConverge: !request.noAutoConverge,
        copyStorage: request.copyStorage,
        downtimeLimitMs: request.downtimeLimitMs,
        tls: parts.migrationTls,
      };
      const { explanation, changes } = decided;
      return {
        operation: {
          ...about(why, operator),
          type: "vm-migrate",
          subject: `vm/${vm.spec.name}`,
          parameters,
          explanation,
        },
        changes,
      };
    },
  );
  return {
    operation: encodeNow(operation, parts),
    targetHost: decision?.target.name ?? "",
    explanation:
      decision === undefined ? undefined : encodeAnswer(decision.answer, decision.explanation),
  };
}
