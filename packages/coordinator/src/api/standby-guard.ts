/**
 * What a standby answers: reads of what is stored, each marked with how old it may be. Everything else is the leader's,
 * also reads of what only the leader knows: what hosts report, how far an operation is.
 */
import { STANDBY_AGE_NOTE } from "@muster/model";
import type { BoundMethod, CallContext, RpcService } from "@muster/runtime";
import type { Ledger } from "../ledger/ledger.ts";

/** Names of methods of the public API. */
const standbyReads: ReadonlySet<string> = new Set([
  "GetCluster",
  "ListCoordinators",
  "ListHosts",
  "GetHost",
  "GetHa",
  "ListVms",
  "GetVm",
  "ListNetworks",
  "ListOperations",
  "GetOperation",
  "ListRules",
  "GetPolicy",
  "ListClaims",
]);

export interface StandbyGuardParts {
  readonly ledger: Ledger;
  readonly ageMs: () => number;
}

export const guardStandby = (service: RpcService, parts: StandbyGuardParts): RpcService => ({
  methods: service.methods.map((method) => guard(method, parts)),
});

function guard(method: BoundMethod, { ledger, ageMs }: StandbyGuardParts): BoundMethod {
  const isRead = standbyReads.has(method.path.slice(method.path.lastIndexOf("/") + 1));
  const check = (context: CallContext): void => {
    if (ledger.isLeading) return;
    if (!isRead) return ledger.assertLeading();
    context.note?.(STANDBY_AGE_NOTE, String(Math.round(ageMs())));
  };
  switch (method.kind) {
    case "unary": {
      const answer: typeof method.answer = async (request, context) => {
        check(context);
        return method.answer(request, context);
      };
      return { ...method, answer };
    }
    case "watch": {
      const answer: typeof method.answer = async function* (request, context) {
        check(context);
        yield* method.answer(request, context);
      };
      return { ...method, answer };
    }
    case "stream": {
      const answer: typeof method.answer = async (link, context) => {
        check(context);
        return method.answer(link, context);
      };
      return { ...method, answer };
    }
  }
}
