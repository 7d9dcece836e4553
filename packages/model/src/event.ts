/** One thing that happened, for people and for `events --follow`. */
export interface ClusterEvent {
  /** Counts events since the coordinator started. */
  readonly sequence: number;
  readonly at: Date;
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
  readonly host: string;
  readonly operationId: string;
}
