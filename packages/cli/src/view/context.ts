/** A VM's context as the API tells it. */
import type { GetVmContextResponse } from "@muster/proto/admin";

export interface ContextStageView {
  readonly stage: string;
  readonly state: string;
  readonly exitCode: number;
  readonly logTail: string;
  readonly at: string;
}

export interface ContextView {
  readonly vm: string;
  readonly format: string;
  readonly state: string;
  readonly problem: string;
  readonly seedPresent: boolean;
  readonly deadline: string;
  readonly stages: readonly ContextStageView[];
  /** Without its secrets; null when it was forgotten with its disk. */
  readonly context: unknown;
}

export const decodeContext = (vm: string, answer: GetVmContextResponse): ContextView => ({
  vm,
  format: answer.format,
  state: answer.state,
  problem: answer.problem,
  seedPresent: answer.seedPresent,
  deadline: answer.deadline,
  stages: answer.stages.map(({ stage, state, exitCode, logTail, at }) => ({
    ...{ stage, state, exitCode, logTail, at },
  })),
  context: answer.redacted === "" ? null : (JSON.parse(answer.redacted) as unknown),
});
