/** `muster plan ls|show|approve|run|cancel`: plans that were kept. */
import { invalid } from "@muster/model";
import { AdminService, PlanChange } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../../exit-codes.ts";
import { renderKeptPlan, renderKeptPlans } from "../../render/kept-plan.ts";
import { renderLines } from "../../render/operation.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../../session.ts";
import { decodeKeptPlan } from "../../view/kept-plan.ts";
import { required } from "../../view/required.ts";
import type { WaitOptions } from "../../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "../finish-operation.ts";
import { addChangeFlags, addWaitFlags, example } from "../flags.ts";
import type { Run } from "../run.ts";

interface RunOptions extends ChangeOptions, WaitOptions {
  readonly replan?: boolean;
  readonly copyStorage?: boolean;
}

/** "plan-0007", or "7". */
export function parsePlanId(text: string): string {
  if (/^(plan-)?\d{1,9}$/.test(text)) return text;
  throw invalid("plan", `"${text}" is not the id of a plan`, "see: muster plan ls");
}

export function addKeptPlanCommands(plan: Command, run: Run): void {
  plan
    .command("ls")
    .description("list kept plans, newest first")
    .option("--open", "only those that are not over")
    .addHelpText("after", example("muster plan ls --open"))
    .action((options: { readonly open?: boolean }, command: Command) =>
      run(command, (session) => listPlans(session, options.open ?? false)),
    );
  plan
    .command("show")
    .argument("<plan>", "id, or its number")
    .description("show one kept plan: moves, what it promises, what became of it")
    .option("--check", "check it against the cluster as it is now")
    .addHelpText("after", example("muster plan show 7 --check"))
    .action((id: string, options: { readonly check?: boolean }, command: Command) =>
      run(command, (session) => showPlan(session, id, options.check ?? false)),
    );
  const change = (name: string, what: PlanChange, description: string): void => {
    addChangeFlags(plan.command(name))
      .argument("<plan>", "id, or its number")
      .description(description)
      .addHelpText("after", example(`muster plan ${name} 7`))
      .action((id: string, options: ChangeOptions, command: Command) =>
        run(command, (session) => changePlan(session, id, { ...options, what })),
      );
  };
  change("approve", PlanChange.APPROVE, "say that a plan may be run");
  change("cancel", PlanChange.CANCEL, "give up a plan; one that runs starts nothing new");
  addWaitFlags(addChangeFlags(plan.command("run")))
    .argument("<plan>", "id, or its number")
    .description("carry a plan out, each move checked again before it starts; approves it too")
    .option("--replan", "when the cluster has changed, plan the rest anew instead of stopping")
    .option("--copy-storage", "copy disks that are on local storage")
    .addHelpText("after", example("muster plan run 7 --dry-run", "muster plan run 7 --replan"))
    .action((id: string, options: RunOptions, command: Command) =>
      run(command, (session) => runPlan(session, id, options)),
    );
}

async function listPlans({ admin, output, surroundings }: Session, open: boolean) {
  const answer = await admin.call(AdminService.listPlans, {
    doing: "list plans",
    request: { open },
  });
  const plans = answer.plans.map(decodeKeptPlan);
  output.show({
    data: plans,
    names: plans.map(({ id }) => id),
    table: (paint) => renderKeptPlans(plans, surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}

export async function showPlan(session: Session, id: string, check: boolean): Promise<ExitCode> {
  const { admin, output, surroundings } = session;
  const answer = await admin.call(AdminService.getPlan, {
    doing: `show plan ${id}`,
    request: { plan: parsePlanId(id), check },
  });
  const plan = decodeKeptPlan(required(answer.plan, "plan"));
  const { lines } = answer;
  output.show({
    data: { ...plan, ...(check ? { now: lines } : {}) },
    names: [plan.id],
    table: (paint) =>
      renderKeptPlan(plan, surroundings.clock.wall(), paint) +
      lines.map((line) => `now: ${line}\n`).join(""),
  });
  return exitCodes.ok;
}

async function changePlan(
  session: Session,
  id: string,
  options: ChangeOptions & { readonly what: PlanChange },
): Promise<ExitCode> {
  const word = options.what === PlanChange.APPROVE ? "approve" : "cancel";
  const answer = await callChange(session, AdminService.changePlan, {
    doing: `${word} plan ${id}`,
    request: { plan: parsePlanId(id), change: options.what, why: whyOf(options, session) },
  });
  const plan = decodeKeptPlan(required(answer.plan, "plan"));
  const isEnding = plan.state === "running";
  const line = isEnding
    ? `${plan.id} starts nothing new; what moves arrives: muster op watch ${plan.operationId}`
    : `${plan.id} is ${plan.state}`;
  if (options.dryRun === true) {
    return showDryRun(session, [`${plan.id} would be ${isEnding ? "ended" : plan.state}`], {
      plan,
    });
  }
  session.output.show({ data: plan, names: [plan.id], table: () => renderLines([line]) });
  return exitCodes.ok;
}

async function runPlan(session: Session, id: string, options: RunOptions): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.runPlan, {
    doing: `run plan ${id}`,
    request: {
      plan: parsePlanId(id),
      replan: options.replan ?? false,
      copyStorage: options.copyStorage ?? false,
      why: whyOf(options, session),
    },
  });
  const plan = decodeKeptPlan(required(answer.plan, "plan"));
  if (options.dryRun === true) {
    const table = renderKeptPlan(plan, session.surroundings.clock.wall(), (text) => text);
    const lines = [`would run ${plan.id}:`, ...table.trimEnd().split("\n")];
    return showDryRun(session, [...lines, ...answer.lines.map((line) => `now: ${line}`)], { plan });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { plan: plan.id },
    outcome: async () => {
      const after = await session.admin.call(AdminService.getPlan, {
        doing: `show plan ${plan.id}`,
        request: { plan: plan.id, check: false },
      });
      const done = decodeKeptPlan(required(after.plan, "plan"));
      const sentence = [`${done.id} is ${done.state}`, ...done.outcome].join("\n  ");
      return { sentence, data: { outcome: done.outcome, state: done.state } };
    },
  });
}
