/** Who may write. At most one coordinator leads at a time; every leadership has a term, larger than all before. */

/** What a coordinator says of itself to the others. */
export interface Member {
  /** Unique among the coordinators of a cluster; by default its machine's name. */
  readonly name: string;
  readonly version: string;
  /** Where agents and people reach it. */
  readonly addresses: readonly string[];
}

export interface Leader {
  readonly term: number;
  readonly member: Member;
}

export interface Leadership {
  readonly term: number;
  /**
   * Aborts, with the reason, when another may lead: the term is over, or this coordinator could not renew its lease in
   * time. Nothing may be decided or told to anybody from then on.
   */
  readonly lost: AbortSignal;
  /**
   * False from the moment the lease may have ended, by this process's own clock, even when it has slept through that
   * moment and nobody has been able to say so yet.
   */
  isCurrent(): boolean;
  /** Ends the term, so that another may lead at once. `lost` aborts with this reason. */
  resign(reason: Error): Promise<void>;
}

export interface Election {
  /**
   * Waits until nobody else leads, then leads. Rejects with the signal's reason when that aborts. Keeps the member
   * announced while it waits and leads. A store of one process only does not wait: the newest leads.
   */
  campaign(member: Member, signal: AbortSignal): Promise<Leadership>;
  /** Undefined: nobody leads now. */
  leader(): Promise<Leader | undefined>;
  /** Those that are there now: they lead or campaign. */
  members(): Promise<readonly Member[]>;
}
