/**
 * `muster plan rolling --run`: one group of hosts after the other is drained, handed over to be worked on, and filled
 * again. Every drain and every return is a durable operation; which group comes next is asked anew each time, about the
 * cluster as it is then. Stopped half way, it says how to go on.
 */
import { MusterError } from "@muster/model";
import { AdminService, type Operation } from "@muster/proto/admin";
import { exitCodes, type ExitCode } from "../../exit-codes.ts";
import { renderLines } from "../../render/operation.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../../session.ts";
import { decodeHost } from "../../view/host.ts";
import { decodeOperation } from "../../view/operation.ts";
import {
  operationExitCode,
  operationFailure,
  waitForOperation,
  type WaitOptions,
} from "../../wait/wait-for-operation.ts";
import { WITHIN_MS_DEFAULT, OVERTIME_MS } from "./ask.ts";
import { handOver } from "./hand-over.ts";

export interface RollOptions extends ChangeOptions, Pick<WaitOptions, "waitTimeout"> {
  readonly groupMax?: number;
  /** Milliseconds for each question which hosts come next. */
  readonly within?: number;
  readonly copyStorage?: boolean;
  /** A shell command for each host that is empty; without it a person is asked. */
  readonly exec?: string;
}

/** Ended early, with the exit code that says why; what went wrong was told. */
class Stopped extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode) {
    super("stopped");
    this.code = code;
  }
}

export async function roll(
  session: Session,
  asked: readonly string[],
  options: RollOptions,
): Promise<ExitCode> {
  const { output } = session;
  let left = asked.length > 0 ? asked : await onlineHosts(session);
  const done: string[] = [];
  let away: readonly string[] = [];
  let code: ExitCode = exitCodes.ok;
  const tell = (line: string): void => {
    if (!output.isForTools) output.write(renderLines([line]));
  };
  try {
    for (let number = 1; left.length > 0; number += 1) {
      const group = await nextGroup(session, left, options);
      tell(`group ${String(number)}: ${group.join(", ")}`);
      away = group;
      await drainAll(session, group, options);
      tell(`  empty: ${group.join(", ")}`);
      await handOver(session, group, options.exec);
      await returnAll(session, group, options);
      tell(`  back: ${group.join(", ")}`);
      away = [];
      done.push(...group);
      left = left.filter((name) => !group.includes(name));
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    code = error.code;
  } finally {
    if (left.length > 0) output.note(howToGoOn(away, left));
    output.show({
      data: { done, away, left: left.filter((name) => !away.includes(name)) },
      names: done,
      table: () => (left.length === 0 ? renderLines(["all hosts were worked on"]) : ""),
    });
  }
  return code;
}

function howToGoOn(away: readonly string[], left: readonly string[]): string {
  const back = away.map((name) => `muster host return ${name} --uncordon`);
  const rest = left.filter((name) => !away.includes(name));
  const on = rest.length === 0 ? [] : [`muster plan rolling ${rest.join(" ")} --run`];
  return `not done: ${left.join(", ")}. To go on: ${[...back, ...on].join("; ")}`;
}

async function onlineHosts({ admin }: Session): Promise<readonly string[]> {
  const { hosts } = await admin.call(AdminService.listHosts, { doing: "list hosts", request: {} });
  return hosts
    .map(decodeHost)
    .filter(({ state, cordoned }) => state === "online" && !cordoned)
    .map(({ name }) => name);
}

interface RollingAnswer {
  readonly groups: readonly { readonly hostIds: readonly string[] }[];
}

/** Names of the hosts that can be emptied next. */
async function nextGroup(
  session: Session,
  left: readonly string[],
  options: RollOptions,
): Promise<readonly string[]> {
  const { admin } = session;
  const withinMs = options.within ?? WITHIN_MS_DEFAULT;
  const [answer, { hosts }] = await Promise.all([
    admin.call(AdminService.askPlan, {
      doing: "ask which hosts come next",
      request: {
        snapshotGzip: Buffer.alloc(0),
        withinMs,
        question: {
          $case: "rolling",
          value: { hosts: [...left], groupMax: options.groupMax ?? 1 },
        },
        keep: false,
        placeRules: undefined,
      },
      atLeastMs: withinMs + OVERTIME_MS,
    }),
    admin.call(AdminService.listHosts, { doing: "list hosts", request: {} }),
  ]);
  const { groups } = JSON.parse(answer.json) as RollingAnswer;
  const [first] = groups;
  if (first !== undefined) {
    const names = new Map(hosts.map(({ id, name }) => [id, name]));
    return first.hostIds.map((id) => names.get(id) ?? id);
  }
  throw new MusterError("no-placement", `none of ${left.join(", ")} can be emptied now`, {
    reasons: answer.sections.flatMap(({ title, stuck }) => [
      title,
      ...stuck.flatMap(({ vm, reasons }) => reasons.map((reason) => `  ${vm}: ${reason}`)),
    ]),
    hint: "see: muster plan rolling; free capacity, or take the VMs that cannot move elsewhere",
  });
}

async function drainAll(
  session: Session,
  group: readonly string[],
  options: RollOptions,
): Promise<void> {
  const operations: Operation[] = [];
  for (const host of group) {
    const copyStorage = options.copyStorage ?? false;
    const { operation } = await callChange(session, AdminService.drainHost, {
      doing: `drain host ${host}`,
      request: { host, copyStorage, why: whyOf(options, session) },
    });
    if (operation !== undefined) operations.push(operation);
  }
  for (const operation of operations) await untilDone(session, operation, options);
}

async function returnAll(
  session: Session,
  group: readonly string[],
  options: RollOptions,
): Promise<void> {
  for (const host of group) {
    const { operation } = await callChange(session, AdminService.returnHost, {
      doing: `bring VMs back to host ${host}`,
      request: {
        host,
        uncordon: true,
        copyStorage: options.copyStorage ?? false,
        why: whyOf(options, session),
      },
    });
    if (operation !== undefined) await untilDone(session, operation, options);
  }
}

async function untilDone(
  session: Session,
  operation: Operation,
  options: RollOptions,
): Promise<void> {
  const waited = await waitForOperation(session, decodeOperation(operation).id, options);
  if (waited.kind === "detached") throw new Stopped(exitCodes.detached);
  const failure = operationFailure(waited.operation);
  if (failure === undefined) return;
  session.output.fail(failure);
  throw new Stopped(operationExitCode(waited.operation));
}
