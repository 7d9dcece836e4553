/** How rebalancing stands: what people and metrics see of it. */
export interface RebalanceStatus {
  readonly lastResult: string;
  /** RFC 3339; empty: never. */
  readonly lookedAt: string;
  readonly score?: number;
  readonly scorePossible?: number;
  readonly movesPossible: number;
  readonly heldPasses: number;
  /** Migrations in the 24 hours before the last look. */
  readonly movesLastDay: number;
}

/** The name under which plans are made without being asked for. */
export const REBALANCER = "rebalance";
