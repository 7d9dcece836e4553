/** What guests were told, without secrets, and how far they are. */
import { redactContext } from "@muster/context";
import { contextStateOf, MusterError, type ContextRecord } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import type { Contexts } from "../contexts/contexts.ts";
import type { KeyRing } from "../contexts/key-ring.ts";
import { rotateSecrets } from "../contexts/rotate-secrets.ts";
import { findVm } from "../ledger/view.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

export function contextHandlers(
  parts: ApiParts,
  { contexts, keyRing }: { readonly contexts: Contexts; readonly keyRing: KeyRing },
) {
  return {
    async getVmContext(
      request: pb.GetVmContextRequest,
      context: CallContext,
    ): Promise<pb.GetVmContextResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const vm = findVm(view, request.vm);
      const record = view.contexts.get(vm.id);
      if (record === undefined) {
        throw new MusterError("not-found", `VM ${vm.spec.name} has no context`, {
          hint: "a context is given when a VM is created: muster vm create --context FILE",
        });
      }
      const isKept = record.sealedSecret !== undefined;
      return {
        format: record.format,
        redacted: isKept ? JSON.stringify(redactContext(contexts.open(record))) : "",
        state: contextStateOf(record),
        stages: record.stages.map(({ number: _number, ...stage }) => stage),
        seedPresent: record.seed === "present",
        deadline: record.deadline ?? "",
        problem: problemOf(record),
      };
    },

    async rotateSecrets(
      request: pb.RotateSecretsRequest,
      context: CallContext,
    ): Promise<pb.RotateSecretsResponse> {
      parts.operatorOf(context);
      const { dryRun } = decodeWhy(request.why);
      const { contexts: known, secrets } = parts.ledger.view;
      if (!dryRun) return rotateSecrets(parts.ledger, keyRing);
      const sealed = [...known.values()].filter((each) => each.sealedSecret !== undefined);
      return { contexts: sealed.length, key: secrets?.keys.at(-1)?.number ?? 0 };
    },
  };
}

/** In which stage, and why. The end of its log is in the stage. */
function problemOf(record: ContextRecord): string {
  const failed = record.stages.find(({ state }) => state === "failed");
  if (failed !== undefined) {
    return `${failed.stage} settings failed with exit code ${String(failed.exitCode)}`;
  }
  if (contextStateOf(record) !== "timed-out") return "";
  const last = record.stages.at(-1);
  if (last === undefined) {
    return "the guest never reported: it did not boot, or does not read its seed";
  }
  return last.state === "running"
    ? `${last.stage} settings did not end in time`
    : `nothing was heard after ${last.stage} settings were ${last.state}`;
}
