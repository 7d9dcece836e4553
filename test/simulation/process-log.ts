/** What a simulated process logs: one line each for whoever listens, with the simulated time, and nothing secret. */
import { detailOf } from "@muster/model";
import type { Clock, Log } from "@muster/runtime";
import type { SecretWatch } from "./invariants/secret-watch.ts";

export function processLog(
  process: string,
  parts: {
    readonly clock: Clock;
    readonly secrets: SecretWatch;
    readonly onLog: ((line: string) => void) | undefined;
  },
): Log {
  const say = (level: string) => (fields: object, message: string) => {
    const shown = JSON.stringify(fields, (_name, value: unknown) => {
      if (value instanceof Error) return detailOf(value);
      return typeof value === "bigint" ? String(value) : value;
    });
    parts.secrets.saw(`the log of ${process}`, `${message} ${shown}`);
    const seconds = (parts.clock.now() / 1000).toFixed(3).padStart(9);
    parts.onLog?.(`${seconds} ${process} ${level} ${message} ${shown}`);
  };
  return { info: say("info"), warn: say("warn"), error: say("error") };
}
