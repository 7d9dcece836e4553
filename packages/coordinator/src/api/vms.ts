/** VMs: list, show, create, change, migrate, explain. */
import type { VmId } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { findHost, findVm } from "../ledger/view.ts";
import { findWildVm } from "./wild-vms.ts";
import { encodeWildVm } from "./encode-vm.ts";
import type { KeyRing } from "../contexts/key-ring.ts";
import { changeVm } from "./change-vm.ts";
import { createVm, type CreateVmRequest } from "./create-vm.ts";
import { exportVms, listedVms } from "./export-vms.ts";
import { VmRows } from "./vm-rows.ts";
import { explainVm, type ExplainVmRequest } from "./explain-vm.ts";
import { wildVmsOn } from "./hosts.ts";
import { migrateVm } from "./migrate-vm.ts";
import { onceHostsAreKnown } from "./once-hosts-are-known.ts";
import type { ApiParts } from "./parts.ts";
import { shown } from "./vm-requests.ts";

export function vmHandlers(parts: ApiParts & { readonly keyRing: KeyRing }) {
  const rows = new VmRows();
  return {
    async listVms(request: pb.ListVmsRequest, context: CallContext): Promise<pb.ListVmsResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const host = request.host === "" ? undefined : findHost(view, request.host);
      const ours = [...(host === undefined ? view.vms : view.vmsOn(host.id)).values()]
        .filter((vm) => host === undefined || vm.placement?.hostId === host.id)
        .map((vm) => shown(vm, parts));
      const hosts = host === undefined ? [...view.hosts.values()] : [host];
      const wild = request.includeWild ? hosts.flatMap((each) => wildVmsOn(each, parts)) : [];
      return {
        vms: [...ours, ...wild].toSorted((left, right) => left.name.localeCompare(right.name)),
      };
    },

    exportVms(
      request: pb.ExportVmsRequest,
      context: CallContext,
    ): AsyncGenerator<pb.ExportVmsResponse> {
      parts.operatorOf(context);
      return exportVms(listedVms(request, parts), rows, parts);
    },

    async getVm(request: pb.GetVmRequest, context: CallContext): Promise<pb.GetVmResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const ours = view.vmByName(request.vm) ?? view.vms.get(request.vm as VmId);
      if (ours !== undefined) return { vm: shown(ours, parts) };
      const wild = findWildVm(parts, request.vm);
      if (wild === undefined) return { vm: shown(findVm(view, request.vm), parts) };
      return { vm: encodeWildVm(wild.observed, wild.hostName, wild.ageMs) };
    },

    async createVm(request: CreateVmRequest, context: CallContext): Promise<pb.CreateVmResponse> {
      const operator = parts.operatorOf(context);
      return onceHostsAreKnown(parts, context.signal, () => createVm(request, operator, parts));
    },

    async changeVm(
      request: pb.ChangeVmRequest,
      context: CallContext,
    ): Promise<pb.ChangeVmResponse> {
      return changeVm(request, parts.operatorOf(context), parts);
    },

    async migrateVm(
      request: pb.MigrateVmRequest,
      context: CallContext,
    ): Promise<pb.MigrateVmResponse> {
      const operator = parts.operatorOf(context);
      return onceHostsAreKnown(parts, context.signal, () => migrateVm(request, operator, parts));
    },

    async explainVm(
      request: ExplainVmRequest,
      context: CallContext,
    ): Promise<pb.ExplainVmResponse> {
      parts.operatorOf(context);
      return { explanation: explainVm(request, parts) };
    },
  };
}
