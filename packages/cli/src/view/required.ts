import { MusterError } from "@muster/model";

/** Proto3 cannot require a message field; an answer without the thing that was asked for is a bug of the coordinator. */
export function required<Value>(value: Value | undefined, what: string): Value {
  if (value !== undefined) return value;
  throw new MusterError("internal", `the coordinator's answer has no ${what}`, {
    hint: "compare `muster version` with the coordinator's",
  });
}
