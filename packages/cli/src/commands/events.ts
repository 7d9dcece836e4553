import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { StreamBroken } from "../connection/admin-connection.ts";
import { unreachable } from "../connection/unreachable.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderEvent } from "../render/operation.ts";
import type { Session } from "../session.ts";
import { decodeEvent, type EventView } from "../view/operation.ts";
import { required } from "../view/required.ts";
import { countOf, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface EventsOptions {
  readonly follow?: boolean;
  readonly recent?: number;
}

export function addEventsCommand(program: Command, run: Run): void {
  program
    .command("events")
    .description("show what happened lately; -o json prints one object a line")
    .option("--follow", "go on with what happens, until Ctrl-C")
    .option("--recent <n>", "so many recent events first (default: 50)", countOf("--recent"))
    .addHelpText("after", example("muster events --follow"))
    .action((options: EventsOptions, command: Command) =>
      run(command, (session) => showEvents(session, options)),
    );
}

/** After a lost connection we ask for as many recent events as the coordinator may keep, to leave no gap. */
const RECENT_AFTER_LOSS = 10_000;
const RECONNECT_PAUSE_MS = 500;

async function showEvents(session: Session, options: EventsOptions): Promise<ExitCode> {
  const stop = new AbortController();
  const forget = session.surroundings.onInterrupt(() => {
    stop.abort(new Error("interrupted"));
  });
  try {
    await followEvents(session, options, stop.signal);
  } finally {
    forget();
  }
  return exitCodes.ok;
}

async function followEvents(
  session: Session,
  options: EventsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { admin, output, surroundings } = session;
  const follow = options.follow ?? false;
  let last: EventView | undefined;
  let lostAtMs: number | undefined;
  while (!signal.aborted) {
    let why = "the coordinator ended the stream";
    try {
      const recent = last === undefined ? (options.recent ?? 0) : RECENT_AFTER_LOSS;
      const question = { doing: "watch events", request: { follow, recent } };
      for await (const answer of admin.stream(AdminService.watchEvents, question, signal)) {
        lostAtMs = undefined;
        const event = decodeEvent(required(answer.event, "event"));
        if (!isNews(event, last)) continue;
        last = event;
        showEvent(session, event);
      }
      if (!follow) return;
    } catch (error) {
      if (!(error instanceof StreamBroken)) throw error;
      why = error.message;
    }
    if (signal.aborted) return;
    if (lostAtMs === undefined) output.note(`lost the coordinator (${why}); dialling again`);
    lostAtMs ??= surroundings.clock.now();
    if (surroundings.clock.now() - lostAtMs >= admin.timeoutMs) {
      throw unreachable(admin.address, why);
    }
    await surroundings.clock.sleep(RECONNECT_PAUSE_MS);
  }
}

/** A coordinator that restarted counts from the beginning again, so the time counts as well. */
function isNews(event: EventView, last: EventView | undefined): boolean {
  return last === undefined || event.sequence > last.sequence || event.at > last.at;
}

function showEvent({ output }: Session, event: EventView): void {
  output.showOne({
    data: event,
    names: [event.subject],
    table: (paint) => renderEvent(event, paint),
  });
}
