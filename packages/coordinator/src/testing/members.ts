/** Coordinators on one simulated store, in simulated time. Each can be cut off from the store, stopped and continued. */
import { seededRandom, SimulatedClock, silentLogger, type Clock } from "@muster/runtime";
import { answeredAtOnce } from "../plans/questions.ts";
import { CoordinatorMember } from "../roles/member.ts";
import { SimulatedQuorum } from "../store/simulated-store.ts";

const times = { heartbeatIntervalMs: 5_000, fullReportIntervalMs: 60_000, sampleIntervalMs: 5_000 };

/** A process that can be stopped with SIGSTOP: nothing of it happens until it goes on, then everything that was due. */
export class StoppableClock implements Clock {
  readonly #clock: Clock;
  #stopped: Promise<void> | undefined;
  #goOn: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  wall(): Date {
    return this.#clock.wall();
  }

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(durationMs, signal);
    await this.#stopped;
    signal?.throwIfAborted();
  }

  stop(): void {
    if (this.#stopped !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopped = promise;
    this.#goOn = resolve;
  }

  continue(): void {
    this.#stopped = undefined;
    this.#goOn?.();
  }
}

export interface TestMember {
  readonly name: string;
  readonly clock: StoppableClock;
  readonly member: CoordinatorMember;
  readonly over: Promise<Error>;
}

export class TestMembers implements AsyncDisposable {
  readonly clock = new SimulatedClock();
  readonly quorum: SimulatedQuorum;
  readonly all: TestMember[] = [];
  readonly #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
    this.quorum = new SimulatedQuorum({ clock: this.clock, random: seededRandom(seed) });
  }

  async add(name: string): Promise<TestMember> {
    const clock = new StoppableClock(this.clock);
    const store = this.quorum.connect(name, clock);
    const opening = CoordinatorMember.open({
      store,
      clock,
      random: seededRandom(this.#seed + this.all.length),
      log: silentLogger,
      times,
      questions: answeredAtOnce(clock),
      migrationTls: true,
      fencing: {
        runner: { run: async () => ({}) },
        seal: { seal: (text) => text, open: (text) => text },
      },
      capacity: { cpuOvercommit: 4, memoryReservedBytes: 0n, vmsPerHostMax: 100 },
      self: { name, version: "1.0.0", addresses: [`https://${name}:7443`] },
    });
    await this.clock.runFor(50);
    const member = await opening;
    const added: TestMember = { name, clock, member, over: member.run() };
    this.all.push(added);
    return added;
  }

  /** Those who believe that they lead: never more than one. */
  get leaders(): readonly string[] {
    return this.all.filter(({ member }) => member.role === "leader").map(({ name }) => name);
  }

  async untilLed(timeoutMs = 15_000): Promise<TestMember> {
    await this.clock.runUntil(() => this.leaders.length > 0, timeoutMs);
    const leader = this.all.find(({ name }) => name === this.leaders[0]);
    if (leader === undefined) throw new Error("nobody leads");
    return leader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { clock, name, member } of this.all) {
      clock.continue();
      this.quorum.reconnect(name);
      const stopped = member.stop();
      await this.clock.runFor(10_000);
      await stopped;
    }
  }
}
