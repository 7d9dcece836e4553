export { DEFAULT_TOPOLOGY_LEVELS } from "./domains.ts";
export {
  describeAsked,
  renderAnswer,
  renderChoice,
  renderRefusal,
  renderRefusals,
} from "./explain.ts";
export { applyClaim, openPlanner, place, whyNot } from "./place.ts";
export type { Planner } from "./planner.ts";
export { DEFAULT_WEIGHTS } from "./scorer.ts";
export { DEFAULT_CPU_OVERCOMMIT } from "./snapshot.ts";
export type {
  Asked,
  Candidate,
  CheckCount,
  HostRefusals,
  NoPlacement,
  PlaceAnswer,
  PlaceOptions,
  Placement,
  ScoreTerm,
} from "./answer.ts";
export type { CheckName, MissingLabel, NumaCellRoom, Refusal } from "./refusal.ts";
export type { ScorerName, Weights } from "./scorer.ts";
export type {
  ClaimSnapshot,
  Disk,
  GroupRule,
  HostCapacity,
  HostMeasured,
  HostSnapshot,
  HostState,
  HostStorage,
  Hugepages,
  NumaCell,
  PlaceRequest,
  Policy,
  RequestedVm,
  Snapshot,
  VmMeasured,
  VmShape,
  VmSnapshot,
  VmState,
} from "./snapshot.ts";
