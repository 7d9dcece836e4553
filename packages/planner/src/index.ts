export { DEFAULT_TOPOLOGY_LEVELS } from "./domains.ts";
export {
  describeAsked,
  renderAnswer,
  renderChoice,
  renderRefusal,
  renderRefusalCounts,
  renderRefusals,
  renderRefusalsByHost,
} from "./explain.ts";
export { PlannerFollower, noteAccounts } from "./follower.ts";
export { applyClaim, openPlanner, place, whyNot } from "./place.ts";
export type { Planner } from "./planner.ts";
export { DEFAULT_WEIGHTS, PACKING_WEIGHTS } from "./scorer.ts";
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
  MotionHistory,
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
export { DEFAULT_MOTION_LIMITS } from "./motion.ts";
export type {
  DroppedMove,
  MotionLimits,
  MotionPlan,
  MotionTotals,
  MoveCost,
  PlannedMove,
} from "./motion.ts";
export { DEFAULT_RESTRAINT, planRebalance } from "./rebalance.ts";
export type { RebalanceAnswer, RebalanceOptions, RebalancePlan, Restraint } from "./rebalance.ts";
export { DEFAULT_BALANCE_WEIGHTS } from "./search/from-snapshot.ts";
export type { BalanceWeights } from "./search/from-snapshot.ts";
export { applyChanges } from "./what-if.ts";
export type { Change } from "./what-if.ts";
export { capacity } from "./capacity.ts";
export type { CapacityAnswer, CapacityOptions } from "./capacity.ts";
export { afterMoves, planConsolidation } from "./consolidate.ts";
export type { Consolidation } from "./consolidate.ts";
export { planDrain } from "./drain.ts";
export type { MotionOptions } from "./drain.ts";
export type { EvacuationPlan, StuckVm } from "./evacuate.ts";
export { planRuleMending } from "./mend-rules.ts";
export { planRecovery } from "./recover.ts";
export { planReturnHome } from "./return-home.ts";
export { planRolling } from "./rolling.ts";
export type { RollingGroup, RollingOptions, RollingPlan } from "./rolling.ts";
export { findRuleClashes, renderRuleClash } from "./rule-clashes.ts";
export type { RuleClash } from "./rule-clashes.ts";
export { SNAPSHOT_FORMAT, parseSnapshot, renderSnapshot } from "./saved-snapshot.ts";
export {
  PartSum,
  hashFromSums,
  hashPart,
  noteSnapshotHash,
  snapshotHash,
  type Hash64,
  type SnapshotSums,
} from "./snapshot-hash.ts";
export { renderWouldFit, whatWouldFit } from "./would-fit.ts";
export type { WouldFit } from "./would-fit.ts";
export { renderMotion, renderStuck } from "./explain-motion.ts";
export { judgeMoves, type Judgement } from "./judge.ts";
