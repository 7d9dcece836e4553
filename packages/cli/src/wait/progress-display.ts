/** Shows on stderr how an operation goes: a line that is redrawn on a terminal, a growing log elsewhere. */
import type { Clock } from "@muster/runtime";
import { renderNews, renderProgressLine } from "../render/progress.ts";
import type { Screen } from "../surroundings.ts";
import type { OperationView } from "../view/operation.ts";
import { isEndedWord } from "../view/words.ts";

export interface ProgressDisplay extends AsyncDisposable {
  show(operation: OperationView): void;
  /** The coordinator is not heard for the moment. */
  lost(why: string): void;
}

export function openProgressDisplay(screen: Screen, clock: Clock): ProgressDisplay {
  return screen.isTTY === true ? new RedrawnLine(screen, clock) : new GrowingLog(screen);
}

/** One line for each step or phase that changed. */
class GrowingLog implements ProgressDisplay {
  readonly #screen: Screen;
  #last: OperationView | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  show(operation: OperationView): void {
    for (const { text } of renderNews(this.#last, operation)) this.#screen.write(`${text}\n`);
    this.#last = operation;
  }

  lost(why: string): void {
    this.#screen.write(`lost the coordinator (${why}); dialling again\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

const CLEAR_LINE = "\r\u001b[K";
/** Often enough that the seconds move; seldom enough to cost nothing. */
const REDRAW_PERIOD_MS = 500;
/** Also for terminals that say they are 0 wide. */
const WIDTH_DEFAULT = 80;

/** Ended steps stay as lines; what goes on now is redrawn below them. */
class RedrawnLine implements ProgressDisplay {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #beganMs: number;
  readonly #stop = new AbortController();
  readonly #ticking: Promise<void>;
  #last: OperationView | undefined;
  #lostWhy: string | undefined;

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
    this.#beganMs = clock.now();
    this.#ticking = this.#tick();
  }

  show(operation: OperationView): void {
    this.#lostWhy = undefined;
    const news = renderNews(this.#last, operation).filter(({ isEnd }) => isEnd);
    this.#last = operation;
    if (news.length > 0) {
      this.#screen.write(CLEAR_LINE + news.map(({ text }) => `${text}\n`).join(""));
    }
    this.#draw();
  }

  lost(why: string): void {
    this.#lostWhy = why;
    this.#draw();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the display is closed"));
    await this.#ticking;
    this.#screen.write(CLEAR_LINE);
  }

  #draw(): void {
    const operation = this.#last;
    const widthMax = (this.#screen.columns || WIDTH_DEFAULT) - 1;
    if (this.#lostWhy !== undefined) {
      const text = `lost the coordinator (${this.#lostWhy}); dialling again`;
      this.#screen.write(CLEAR_LINE + text.slice(0, widthMax));
    } else if (operation !== undefined && !isEndedWord(operation.state)) {
      const elapsedMs = this.#clock.now() - this.#beganMs;
      this.#screen.write(CLEAR_LINE + renderProgressLine(operation, { elapsedMs, widthMax }));
    }
  }

  async #tick(): Promise<void> {
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(REDRAW_PERIOD_MS, signal);
        this.#draw();
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
}
