/** The audit trail: whose call a change belongs to, and the trail for people. */
import { isMusterError, type AuditRecord } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import type { AuditScope, Author } from "../audit/audit-scope.ts";
import type { ApiParts } from "./parts.ts";

type Handler = (request: never, context: CallContext) => unknown;

/** Every handler, each under the name of whoever calls it. */
export function audited<Handlers extends object>(
  handlers: Handlers,
  parts: Pick<ApiParts, "operatorOf">,
  scope: AuditScope,
): Handlers {
  const wrapped = Object.entries(handlers).map(([name, handler]) => {
    const under: Handler = (request, context) => {
      const author = authorOf(request, context, parts);
      const answer = (): unknown => (handler as Handler)(request, context);
      return author === undefined ? answer() : scope.within(author, answer);
    };
    return [name, under] as const;
  });
  return Object.fromEntries(wrapped) as Handlers;
}

/** Undefined: whoever it is may not ask, and the handler says so. */
function authorOf(
  request: { readonly why?: { readonly reason?: string } },
  context: CallContext,
  { operatorOf }: Pick<ApiParts, "operatorOf">,
): Author | undefined {
  const { peer, method } = context;
  try {
    return {
      who: operatorOf(context),
      from: peer.kind === "local" ? "local socket" : peer.address,
      call: method.slice(method.lastIndexOf("/") + 1),
      why: request.why?.reason ?? "",
    };
  } catch (error) {
    if (isMusterError(error)) return undefined;
    throw error;
  }
}

export function auditHandlers(parts: ApiParts) {
  return {
    async *listAudit(
      request: pb.ListAuditRequest,
      context: CallContext,
    ): AsyncGenerator<pb.ListAuditResponse> {
      parts.operatorOf(context);
      const fitting = [...parts.ledger.view.audit.values()]
        .filter((entry) => isWanted(entry, request))
        .toSorted((one, other) => (one.id < other.id ? -1 : 1));
      const wanted = request.limit === 0 ? fitting : fitting.slice(-request.limit);
      for (const entry of wanted) yield { entry: { ...entry, changes: [...entry.changes] } };
    },
  };
}

const isWanted = (
  { who, at, changes }: AuditRecord,
  { who: person, thing, since }: pb.ListAuditRequest,
): boolean =>
  (person === "" || who === person) &&
  (thing === "" || changes.some((change) => change.thing === thing)) &&
  (since === "" || at >= since);
