/** Watches everything a cluster has in etcd, transaction by transaction. */
import { MusterError } from "@muster/model";
import {
  Event_EventType,
  WatchService,
  type Event,
  type WatchRequest,
  type WatchResponse,
} from "@muster/proto/etcd";
import { compacted } from "../change-history.ts";
import type { StoreChange } from "../store.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { below, type EtcdKeys } from "./etcd-keys.ts";

export async function* watchEtcd(
  { client, keys }: { readonly client: EtcdClient; readonly keys: EtcdKeys },
  after: number,
  signal: AbortSignal,
): AsyncGenerator<StoreChange, void, undefined> {
  if (signal.aborted) return;
  const { call, problemOf } = await client.open<WatchRequest, WatchResponse>(WatchService.watch);
  const leave = (): void => {
    call.cancel();
  };
  // The loop below hears of errors itself; this one is for the echo of our own cancelling, after it ended.
  call.on("error", leave);
  signal.addEventListener("abort", leave, { once: true });
  try {
    const value = { ...below(keys.all), startRevision: BigInt(after + 1) };
    call.write({ requestUnion: { $case: "createRequest", value } });
    for await (const message of call) {
      if (isOver(signal)) return;
      const response = message as WatchResponse;
      if (response.canceled) throw canceled(response, after);
      yield* changesOf(response.events, keys);
    }
    if (!isOver(signal)) throw new MusterError("unreachable", "etcd ended the watch");
  } catch (error) {
    if (isOver(signal)) return;
    throw problemOf(error, "watch");
  } finally {
    signal.removeEventListener("abort", leave);
    call.cancel();
  }
}

/** By a function, because it changes while we wait. */
const isOver = (signal: AbortSignal): boolean => signal.aborted;

function canceled(response: WatchResponse, after: number): MusterError {
  if (response.compactRevision > 0n) return compacted(after, Number(response.compactRevision) - 1);
  return new MusterError("unreachable", "etcd ended the watch", {
    cause: new Error(response.cancelReason),
  });
}

/** etcd never divides what one transaction did between two messages. PURE. */
export function changesOf(events: readonly Event[], keys: EtcdKeys): readonly StoreChange[] {
  const byRevision = new Map<bigint, Event[]>();
  for (const event of events) {
    const revision = event.kv?.modRevision ?? 0n;
    const others = byRevision.get(revision);
    if (others === undefined) byRevision.set(revision, [event]);
    else others.push(event);
  }
  return [...byRevision].flatMap(([revision, together]) => {
    // What is not a transaction of ours: somebody leads, or a coordinator came or went.
    if (!together.some(({ kv }) => kv?.key.toString("utf8") === keys.newest)) return [];
    return [changeOf(Number(revision), together, keys)];
  });
}

function changeOf(revision: number, events: readonly Event[], keys: EtcdKeys): StoreChange {
  const puts: { key: string; value: string; revision: number }[] = [];
  const deletes: string[] = [];
  for (const { type, kv } of events) {
    const whole = kv?.key.toString("utf8") ?? "";
    if (!whole.startsWith(keys.records)) continue;
    const key = whole.slice(keys.records.length);
    if (type === Event_EventType.DELETE) deletes.push(key);
    else puts.push({ key, value: kv?.value.toString("utf8") ?? "", revision });
  }
  return { revision, puts, deletes };
}
