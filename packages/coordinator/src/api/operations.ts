/** Operations and events: list, show, watch, cancel. */
import { isEnded, MusterError, type ClusterEvent, type OperationRecord } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import { Mailbox, type CallContext } from "@muster/runtime";
import { findOperation } from "../ledger/view.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";
import { encodeNow } from "./vm-requests.ts";

const LIST_DEFAULT = 100;
const LIST_MAX = 10_000;
const RECENT_EVENTS_DEFAULT = 50;
/** A watcher that reads nothing for this many changes is told the newest only anyway. */
const CHANGES_WAITING_MAX = 1;

export function operationHandlers(parts: ApiParts) {
  const encode = (record: OperationRecord): pb.Operation => encodeNow(record, parts);
  return {
    async listOperations(
      request: pb.ListOperationsRequest,
      context: CallContext,
    ): Promise<pb.ListOperationsResponse> {
      parts.operatorOf(context);
      const limit = Math.min(request.limit === 0 ? LIST_DEFAULT : request.limit, LIST_MAX);
      const fitting = [...parts.ledger.view.operations.values()]
        .filter((operation) => !request.active || !isEnded(operation.state))
        .filter((operation) => request.subject === "" || operation.subject === request.subject);
      return { operations: fitting.slice(-limit).toReversed().map(encode) };
    },

    async getOperation(
      request: pb.GetOperationRequest,
      context: CallContext,
    ): Promise<pb.GetOperationResponse> {
      parts.operatorOf(context);
      return { operation: encode(findOperation(parts.ledger.view, request.id)) };
    },

    watchOperation(
      request: pb.WatchOperationRequest,
      context: CallContext,
    ): AsyncGenerator<pb.WatchOperationResponse> {
      return watchOperation(request, context, parts);
    },

    async cancelOperation(
      request: pb.CancelOperationRequest,
      context: CallContext,
    ): Promise<pb.CancelOperationResponse> {
      return cancelOperation(request, parts.operatorOf(context), parts);
    },

    watchEvents(
      request: pb.WatchEventsRequest,
      context: CallContext,
    ): AsyncGenerator<pb.WatchEventsResponse> {
      return watchEvents(request, context, parts);
    },
  };
}

async function* watchOperation(
  request: pb.WatchOperationRequest,
  context: CallContext,
  parts: ApiParts,
): AsyncGenerator<pb.WatchOperationResponse> {
  parts.operatorOf(context);
  const { id } = findOperation(parts.ledger.view, request.id);
  const pokes = new Mailbox<undefined>(CHANGES_WAITING_MAX + 1);
  const stop = parts.runner.listen((changed) => {
    if (changed === id && pokes.size < CHANGES_WAITING_MAX) pokes.put(undefined);
  });
  const leave = (): void => {
    pokes.end();
  };
  context.signal.addEventListener("abort", leave, { once: true });
  try {
    pokes.put(undefined);
    for await (const _poke of pokes) {
      const record = findOperation(parts.ledger.view, id);
      yield { operation: encodeNow(record, parts) };
      if (isEnded(record.state)) return;
    }
  } finally {
    stop();
    context.signal.removeEventListener("abort", leave);
  }
}

async function cancelOperation(
  request: pb.CancelOperationRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.CancelOperationResponse> {
  const why = decodeWhy(request.why);
  const found = findOperation(parts.ledger.view, request.id);
  if (isEnded(found.state)) {
    throw new MusterError("wrong-state", `operation ${found.id} has already ${found.state}`);
  }
  if (why.dryRun) return { operation: encodeNow(found, parts) };
  const because = why.reason === "" ? "" : `: ${why.reason}`;
  parts.events.record({
    kind: "operation-cancel-requested",
    subject: found.subject,
    message: `${operator} asked to cancel it${because}`,
    operationId: found.id,
  });
  return { operation: encodeNow(await parts.runner.cancel(found.id), parts) };
}

async function* watchEvents(
  request: pb.WatchEventsRequest,
  context: CallContext,
  parts: ApiParts,
): AsyncGenerator<pb.WatchEventsResponse> {
  parts.operatorOf(context);
  const recent = request.recent === 0 ? RECENT_EVENTS_DEFAULT : request.recent;
  if (!request.follow) {
    for (const event of parts.events.recent(recent)) yield { event: encodeEvent(event) };
    return;
  }
  for await (const event of parts.events.follow(recent, context.signal))
    yield { event: encodeEvent(event) };
}

function encodeEvent(event: ClusterEvent): pb.Event {
  return {
    sequence: BigInt(event.sequence),
    at: event.at.toISOString(),
    kind: event.kind,
    subject: event.subject,
    message: event.message,
    host: event.host,
    operationId: event.operationId,
  };
}
