/** One way of a connection. First in, first out, however long each message takes, unless the weather says otherwise. */
import { Mailbox, type Clock, type Random } from "@muster/runtime";

export interface Weather {
  readonly latencyMinMs: number;
  readonly latencySpreadMs: number;
  /** Share of messages that have to be sent again, which takes a while. */
  readonly lossFraction: number;
  /** Share that arrives twice. */
  readonly repeatFraction: number;
  /** Share that arrives before the one sent just before it. */
  readonly overtakeFraction: number;
}

const MESSAGES_WAITING_MAX = 100_000;
/** TCP's first pauses before it sends again. */
const AGAIN_MIN_MS = 200;
const AGAIN_SPREAD_MS = 3_000;

interface UnderWay<Message> {
  readonly message: Message;
  readonly atMs: number;
}

export interface DirectionParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: () => Weather;
}

export class LinkDirection<Message> {
  readonly received = new Mailbox<Message>(MESSAGES_WAITING_MAX);
  readonly #parts: DirectionParts;
  #underWay: UnderWay<Message>[] = [];
  #isPumping = false;
  #unblocked: { readonly wait: Promise<void>; readonly open: () => void } | undefined;
  #end: Error | undefined;

  constructor(parts: DirectionParts) {
    this.#parts = parts;
  }

  get isBlocked(): boolean {
    return this.#unblocked !== undefined;
  }

  block(): void {
    this.#unblocked ??= newGate();
  }

  unblock(): void {
    this.#unblocked?.open();
    this.#unblocked = undefined;
  }

  send(message: Message): void {
    if (this.#end !== undefined) return;
    const { random } = this.#parts;
    const weather = this.#parts.weather();
    const again =
      weather.lossFraction > 0 && random.fraction() < weather.lossFraction
        ? AGAIN_MIN_MS + random.fraction() * AGAIN_SPREAD_MS
        : 0;
    const latencyMs = weather.latencyMinMs + random.fraction() * weather.latencySpreadMs + again;
    const item = { message, atMs: this.#parts.clock.now() + latencyMs };
    const copies = weather.repeatFraction > 0 && random.fraction() < weather.repeatFraction ? 2 : 1;
    const overtakes =
      weather.overtakeFraction > 0 &&
      this.#underWay.length > 1 &&
      random.fraction() < weather.overtakeFraction;
    for (let copy = 0; copy < copies; copy += 1) {
      if (overtakes) this.#underWay.splice(-1, 0, item);
      else this.#underWay.push(item);
    }
    void this.#pump();
  }

  /** What is under way is lost. */
  end(error: Error): void {
    this.#end = error;
    this.#underWay = [];
    this.unblock();
    this.received.end(error);
  }

  /** Nothing more is sent; what is under way still arrives, then the end. */
  endAfterRest(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    if (this.#underWay.length === 0 || this.isBlocked) this.end(error);
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let next = this.#underWay[0]; next !== undefined; next = this.#underWay[0]) {
      const waitMs = next.atMs - this.#parts.clock.now();
      if (waitMs > 0) await this.#parts.clock.sleep(waitMs);
      await this.#unblocked?.wait;
      const arrived = this.#underWay.shift();
      if (arrived !== undefined) this.received.put(arrived.message);
    }
    this.#isPumping = false;
    if (this.#end !== undefined) this.received.end(this.#end);
  }
}

function newGate(): { readonly wait: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const wait = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait, open };
}
