/** Coordinators as people's tools see them. */
import { CoordinatorRole, type ListCoordinatorsResponse } from "@muster/proto/admin";

export type CoordinatorRoleView = "leader" | "standby" | "away" | "unknown";

export interface CoordinatorView {
  readonly name: string;
  readonly role: CoordinatorRoleView;
  readonly version: string;
  readonly addresses: readonly string[];
  /** How old its copy may be; absent when it was not asked. */
  readonly ageMs?: number;
}

export interface CoordinatorsView {
  readonly coordinators: readonly CoordinatorView[];
  readonly answeredBy: string;
  /** Absent: nobody leads. */
  readonly term?: number;
}

const roles: ReadonlyMap<CoordinatorRole, CoordinatorRoleView> = new Map([
  [CoordinatorRole.LEADER, "leader"],
  [CoordinatorRole.STANDBY, "standby"],
  [CoordinatorRole.AWAY, "away"],
]);

/** `ages`: by name, of those that were asked themselves. */
export function decodeCoordinators(
  wire: ListCoordinatorsResponse,
  ages: ReadonlyMap<string, number>,
): CoordinatorsView {
  const coordinators = wire.coordinators.map(({ name, role, version, addresses }) => {
    const ageMs = name === wire.answeredBy ? Number(wire.ageMs) : ages.get(name);
    const view = { name, role: roles.get(role) ?? "unknown", version, addresses };
    return ageMs === undefined ? view : { ...view, ageMs };
  });
  const { answeredBy, term } = wire;
  return { coordinators, answeredBy, ...(term === 0n ? {} : { term: Number(term) }) };
}
