/** A context on its way in: from the request to what is stored. */
import { CONTEXT_BYTES_MAX, parseContext, type Context } from "@muster/context";
import { invalid, type ContextRecord, type VmId } from "@muster/model";
import { put, type RecordChange } from "../ledger/ledger.ts";
import type { LedgerView } from "../ledger/view.ts";
import type { KeyRing } from "./key-ring.ts";

/** Parsed, and as it will be sealed. */
export interface NewContext {
  readonly context: Context;
  readonly text: string;
}

/** Empty: none is wanted. Throws MusterError "invalid". */
export function decodeNewContext(text: string): NewContext | undefined {
  if (text === "") return undefined;
  const bytes = Buffer.byteLength(text);
  if (bytes > CONTEXT_BYTES_MAX) {
    const sizes = `${String(bytes)} bytes, at most ${String(CONTEXT_BYTES_MAX)} are kept`;
    throw invalid("context", sizes, "put what is large into the image, or have the guest fetch it");
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The cause would repeat a piece of it.
    throw invalid("context", "is not JSON");
  }
  return { context: parseContext(document), text };
}

export function contextChanges(
  view: LedgerView,
  given: NewContext | undefined,
  { keyRing, vmId }: { readonly keyRing: KeyRing; readonly vmId: VmId },
): readonly RecordChange[] {
  if (given === undefined) return [];
  const { context, text } = given;
  const key = keyRing.current(view);
  const record: ContextRecord = {
    vmId,
    format: context.format,
    sealedSecret: keyRing.close(text, key, { clusterId: view.cluster.id, vmId }),
    secretKey: key.number,
    reports: context.report === "channel",
    removeSeed: context.afterFirstBoot === "remove",
    timeoutMs: context.timeoutMs,
    seed: "present",
    stages: [],
  };
  return [...key.changes, put("context", record)];
}
