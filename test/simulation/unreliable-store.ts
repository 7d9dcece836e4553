/**
 * The coordinator's store as its disk makes it: a write takes time, may come to nothing while the disk is full, and may
 * be the last thing a coordinator does, before it is durable or before anybody hears that it is.
 */
import type { Store } from "@muster/coordinator";
import { MusterError } from "@muster/model";
import type { Clock, Random } from "@muster/runtime";

/** Until the record is durable, and until the writer hears of it: the two sides of a crash. */
const WRITE_MS = 3;
const ANSWER_MS = 1;

export interface StoreTrouble {
  isFull: boolean;
  /** Armed: the coordinator dies at a write. */
  crash?: StoreCrash;
}

export interface StoreCrash {
  /** Writes that still go well. */
  writesLeft: number;
  readonly when: "before" | "after";
  readonly die: () => void;
}

export function unreliableStore(
  store: Store,
  parts: {
    readonly clock: Clock;
    readonly random: Random;
    /** False: writes take no simulated time, so that whoever waits for one need not let time pass. */
    readonly isSlow: boolean;
    readonly trouble: StoreTrouble;
    /** Sees all that is to be stored. */
    readonly saw: (text: string) => void;
  },
): Store {
  const { clock, random, isSlow, trouble, saw } = parts;
  const transact: Store["transact"] = async (transaction) => {
    for (const { value } of transaction.puts) saw(value);
    if (isSlow) await clock.sleep(random.fraction() * WRITE_MS);
    if (trouble.isFull) {
      throw new MusterError("storage-failed", "failed to write the coordinator's state", {
        cause: new Error("database or disk is full"),
      });
    }
    const crash = dueCrash(trouble);
    if (crash?.when === "before") await dies(crash);
    const revision = await store.transact(transaction);
    if (crash !== undefined) await dies(crash);
    if (isSlow) await clock.sleep(random.fraction() * ANSWER_MS);
    return revision;
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === "transact") return transact;
      // The simulated cluster owns what is underneath: it outlives coordinators.
      if (name === Symbol.asyncDispose) return async () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...given: readonly unknown[]): unknown =>
        Reflect.apply(value, target, given) as unknown;
    },
  });
}

function dueCrash(trouble: StoreTrouble): StoreCrash | undefined {
  const { crash } = trouble;
  if (crash === undefined || crash.writesLeft-- > 0) return undefined;
  delete trouble.crash;
  return crash;
}

async function dies({ die }: StoreCrash): Promise<never> {
  die();
  return new Promise(() => undefined);
}
