/** The coordinators themselves: who leads, handing over, forgetting one that is gone. */
import { MusterError } from "@muster/model";
import { CoordinatorRole } from "@muster/proto/admin";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { remove } from "../ledger/ledger.ts";
import type { CoordinatorMember } from "../roles/member.ts";
import type { Store } from "../store/store.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

export interface CoordinatorsParts extends ApiParts {
  readonly member: CoordinatorMember;
  readonly store: Store;
}

export function coordinatorHandlers(parts: CoordinatorsParts) {
  return {
    async listCoordinators(
      _request: pb.ListCoordinatorsRequest,
      context: CallContext,
    ): Promise<pb.ListCoordinatorsResponse> {
      parts.operatorOf(context);
      return list(parts);
    },

    async resignLeadership(
      request: pb.ResignLeadershipRequest,
      context: CallContext,
    ): Promise<pb.ResignLeadershipResponse> {
      const operator = parts.operatorOf(context);
      const { dryRun, reason } = decodeWhy(request.why);
      const { member, store, log } = parts;
      const others = (await store.members()).filter(({ name }) => name !== member.self.name);
      if (others.length === 0) {
        throw new MusterError("wrong-state", "no other coordinator is there to lead", {
          hint: "see: muster coordinator ls",
        });
      }
      if (dryRun) return {};
      log.info({ operator, why: reason }, "resigning, as somebody asked");
      await member.resign(new MusterError("interrupted", `${operator} asked it to resign`));
      return {};
    },

    async forgetCoordinator(
      request: pb.ForgetCoordinatorRequest,
      context: CallContext,
    ): Promise<pb.ForgetCoordinatorResponse> {
      parts.operatorOf(context);
      const { dryRun } = decodeWhy(request.why);
      const present = await parts.store.members();
      await parts.ledger.transact((view) => {
        const found = view.coordinators.get(request.name);
        if (found === undefined) {
          throw new MusterError("not-found", `there is no coordinator "${request.name}"`, {
            hint: "see: muster coordinator ls",
          });
        }
        if (present.some(({ name }) => name === request.name)) {
          throw new MusterError("wrong-state", `the coordinator ${request.name} is there`, {
            hint: "stop it first: systemctl disable --now muster-coordinator",
          });
        }
        return { changes: dryRun ? [] : [remove("coordinator", found)], result: undefined };
      });
      return {};
    },
  };
}

async function list({ member, store, ledger }: CoordinatorsParts) {
  const { leader } = member;
  // A standby without its store still knows who has been there.
  const present = await store.members().catch(() => [member.self]);
  const here = new Map(present.map((one) => [one.name, one]));
  const known = new Map([...ledger.view.coordinators, ...here]);
  const roleOf = (name: string): CoordinatorRole => {
    if (name === leader?.member.name) return CoordinatorRole.LEADER;
    return here.has(name) ? CoordinatorRole.STANDBY : CoordinatorRole.AWAY;
  };
  const coordinators = [...known.values()]
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, version, addresses }) => ({
      name,
      role: roleOf(name),
      version,
      addresses: [...addresses],
    }));
  return {
    coordinators,
    answeredBy: member.self.name,
    term: BigInt(leader?.term ?? 0),
    ageMs: BigInt(Math.round(member.ageMs)),
  };
}
