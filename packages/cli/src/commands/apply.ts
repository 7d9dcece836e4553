/** `muster apply`: makes networks, uplinks, reservations and rules as files say. */
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { carryOut, fetchCurrent, type Permission } from "../manifest/carry-out.ts";
import { loadManifests } from "../manifest/load.ts";
import { judgedBefore, planChanges, type Change } from "../manifest/plan.ts";
import { renderLines } from "../render/operation.ts";
import { whyOf, type Session } from "../session.ts";
import { decodeOperation } from "../view/operation.ts";
import {
  operationExitCode,
  operationFailure,
  waitForOperation,
} from "../wait/wait-for-operation.ts";
import { durationOf, example, repeated } from "./flags.ts";
import type { Run } from "./run.ts";

interface ApplyOptions extends Partial<Permission> {
  readonly file: readonly string[];
  readonly reason?: string;
  readonly dryRun?: boolean;
  /** Milliseconds. */
  readonly waitTimeout?: number;
}

interface Done {
  readonly title: string;
  readonly action: Change["action"];
  /** Empty: there was none. */
  readonly operation: string;
  readonly result: string;
}

export function addApplyCommand(program: Command, run: Run): void {
  program
    .command("apply")
    .description("make networks, uplinks, reserved addresses and rules as files of YAML say")
    .requiredOption(
      "-f, --file <path>",
      "a file, a folder, or - for stdin; repeat for more",
      repeated((text) => text),
    )
    .option("--reason <text>", "why; kept with each change")
    .option("--dry-run", "show what differs, change nothing")
    .option(
      "--wait-timeout <duration>",
      "give up waiting for one change after this long; it goes on, later ones are not begun",
      durationOf("--wait-timeout"),
    )
    .option("--keep-going", "go on with the other hosts when one had to undo a change")
    .option("--override-protected", "may touch what carries hosts' own connections")
    .addHelpText("after", example("muster apply -f networks.yaml --dry-run"))
    .action((options: ApplyOptions, command: Command) =>
      run(command, (session) => apply(session, options)),
    );
}

const shown = ({ title, action, where, differences }: Change) => ({
  title,
  action,
  where,
  differences,
});

function planLines(changes: readonly Change[]): readonly string[] {
  const pending = changes.filter(({ action }) => action !== "none");
  const rest = String(changes.length - pending.length);
  return [
    ...pending.flatMap(({ title, action, where, differences }) => [
      `${action} ${title} (${where})`,
      ...differences.map((line) => `  ${line}`),
    ]),
    pending.length === 0
      ? `nothing to do: ${rest} as they should be`
      : `${String(pending.length)} to create or change, ${rest} as they should be`,
  ];
}

async function apply(session: Session, options: ApplyOptions): Promise<ExitCode> {
  const { admin, output, surroundings } = session;
  const loaded = await Promise.all(
    options.file.map((path) => loadManifests(path, surroundings.stdin)),
  );
  const changes = planChanges(loaded.flat(), await fetchCurrent(admin));
  const pending = changes.filter(({ action }) => action !== "none");
  const plan = changes.map(shown);
  const isDry = options.dryRun === true;
  const lines = planLines(changes);
  if (!output.isForTools) output.write(renderLines(lines));
  const judge = { why: whyOf({ ...options, dryRun: true }, session), permission: given(options) };
  for (const change of judgedBefore(changes)) await carryOut(admin, change, judge);
  if (isDry || pending.length === 0) {
    const data = { dryRun: isDry, plan, done: [] };
    const last = isDry ? renderLines(["nothing was changed (dry run)"]) : "";
    const names = isDry ? pending.map(({ title }) => title) : [];
    output.show({ data, names, table: () => last });
    return exitCodes.ok;
  }
  return carryOutAll(session, { plan, pending, options });
}

const given = ({ keepGoing = false, overrideProtected = false }: ApplyOptions): Permission => ({
  keepGoing,
  overrideProtected,
});

/** One after the other; the first that fails ends it. */
async function carryOutAll(
  session: Session,
  parts: {
    readonly plan: readonly ReturnType<typeof shown>[];
    readonly pending: readonly Change[];
    readonly options: ApplyOptions;
  },
): Promise<ExitCode> {
  const { output } = session;
  const { plan, pending, options } = parts;
  const done: Done[] = [];
  let code: ExitCode = exitCodes.ok;
  try {
    for (const change of pending) {
      const step = await carryOutOne(session, change, options);
      code = step.code;
      if (code !== exitCodes.ok) break;
      done.push(step.done);
      const position = `${String(done.length)}/${String(pending.length)}`;
      const by = step.done.operation === "" ? "" : ` (${step.done.operation})`;
      const verb = change.action === "create" ? "created" : "changed";
      if (!output.isForTools) {
        output.write(
          renderLines([`${position} ${verb} ${change.title}: ${step.done.result}${by}`]),
        );
      }
    }
  } finally {
    if (output.isForTools) {
      const names = done.map(({ title }) => title);
      output.show({ data: { dryRun: false, plan, done }, names, table: () => "" });
    }
    if (done.length < pending.length) {
      const rest = pending.slice(done.length).map(({ title }) => title);
      output.note(
        `${String(done.length)} of ${String(pending.length)} done, left: ${rest.join("; ")}. To go on, apply the same files again`,
      );
    }
  }
  return code;
}

async function carryOutOne(
  session: Session,
  change: Change,
  options: ApplyOptions,
): Promise<{ readonly code: ExitCode; readonly done: Done }> {
  // Each change is a request of its own; applying again repeats none that took effect.
  const why = whyOf({ ...options, dryRun: false }, session);
  const { operation, result } = await carryOut(session.admin, change, {
    why,
    permission: given(options),
  });
  const { title, action } = change;
  const done = { title, action, operation: operation?.id ?? "", result };
  if (operation === undefined) return { code: exitCodes.ok, done };
  const { waitTimeout } = options;
  const waited = await waitForOperation(
    session,
    decodeOperation(operation).id,
    waitTimeout === undefined ? {} : { waitTimeout },
  );
  if (waited.kind === "detached") return { code: exitCodes.detached, done };
  const failure = operationFailure(waited.operation);
  if (failure !== undefined) session.output.fail(failure);
  return { code: operationExitCode(waited.operation), done };
}
