/** One question to the planner, over the cluster as it is or over a saved snapshot. */
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { invalid, MusterError, renderSize } from "@muster/model";
import { AdminService, type AskPlanRequest, type VmRulesChange } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../../exit-codes.ts";
import { renderPlan } from "../../render/plan.ts";
import type { Session } from "../../session.ts";
import { decodePlan, type PlanView } from "../../view/plan.ts";
import { durationOf } from "../flags.ts";

const compress = promisify(gzip);

export interface AskOptions {
  /** Path of a saved snapshot. */
  readonly snapshot?: string;
  /** Milliseconds. */
  readonly within?: number;
  /** Commander's way of --no-keep; absent: there is nothing to keep. */
  readonly keep?: boolean;
  /** Where the VM to be placed may run. */
  readonly placeRules?: VmRulesChange | undefined;
}

export type Question = NonNullable<AskPlanRequest["question"]>;

/** What the coordinator unpacks at most. */
const SNAPSHOT_BYTES_MAX = 16 * 1024 * 1024;
/** What one request may carry, compressed; a snapshot shrinks to about a twentieth. */
const COMPRESSED_BYTES_MAX = 4 * 1024 * 1024 - 64 * 1024;
export const WITHIN_MS_DEFAULT = 5_000;
/** What the coordinator adds to the time to think: starting a thread, putting the moves in order. */
export const OVERTIME_MS = 20_000;

export const addAskFlags = (command: Command): Command =>
  command
    .option("--snapshot <file>", "ask about a saved snapshot (muster plan snapshot > FILE)")
    .option(
      "--within <duration>",
      "how long the planner may think; then the best so far (default: 5s)",
      durationOf("--within"),
    );

/** For questions whose answer is a plan of moves. */
export const addKeepFlag = (command: Command): Command =>
  command.option("--no-keep", "only show the plan; do not keep it to be approved and run");

export async function ask(
  session: Session,
  question: Question,
  options: AskOptions,
): Promise<ExitCode> {
  const snapshotGzip =
    options.snapshot === undefined ? Buffer.alloc(0) : await loadSnapshot(options.snapshot);
  const withinMs = options.within ?? WITHIN_MS_DEFAULT;
  const response = await session.admin.call(AdminService.askPlan, {
    doing: "ask the planner",
    request: {
      snapshotGzip,
      withinMs,
      question,
      keep: options.keep === true && options.snapshot === undefined,
      placeRules: options.placeRules,
    },
    atLeastMs: withinMs + OVERTIME_MS,
  });
  const plan = decodePlan(response);
  session.output.show({
    data: withKept(plan),
    names: [...new Set(plan.sections.flatMap(({ moves }) => moves.map(({ vm }) => vm)))],
    table: (paint) => renderPlan(plan, paint),
  });
  return exitCodes.ok;
}

/** The planner's own answer, and what was kept of it. */
function withKept({ answer, keptPlans }: PlanView): unknown {
  if (keptPlans.length === 0 || typeof answer !== "object") return answer;
  return { ...answer, keptPlans };
}

async function loadSnapshot(path: string): Promise<Buffer> {
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (cause) {
    throw new MusterError("invalid", `cannot read ${path}`, { cause });
  }
  if (text.length > SNAPSHOT_BYTES_MAX) {
    const [size, limit] = [BigInt(text.length), BigInt(SNAPSHOT_BYTES_MAX)].map(renderSize);
    throw invalid(
      "--snapshot",
      `${path} has ${size ?? ""}, at most ${limit ?? ""} can be asked about`,
    );
  }
  const compressed = await compress(text);
  if (compressed.length <= COMPRESSED_BYTES_MAX) return compressed;
  throw invalid("--snapshot", `${path} has more than 4 MiB even when compressed`);
}
