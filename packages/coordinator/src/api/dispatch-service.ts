/** Agents' sessions and bulk streams. */
import { MusterError } from "@muster/model";
import { coordinatorCodec } from "@muster/model/wire";
import { DispatchService, type BulkRequest } from "@muster/proto/dispatch";
import { implement, mapLink, type Link, type RpcService } from "@muster/runtime";
import type { Coordinator } from "../coordinator.ts";
import { SharedLists } from "../observations/shared-lists.ts";
import type { Bytes } from "../sessions/consoles.ts";
import type { Gatekeeper } from "./gatekeeper.ts";

export function dispatchService(coordinator: Coordinator, gatekeeper: Gatekeeper): RpcService {
  const lists = new SharedLists();
  const { ledger } = coordinator;
  return implement(DispatchService, {
    async session(link, context) {
      // A standby refuses before anything else: the agent tries the next coordinator.
      ledger.assertLeading();
      const hostId = await gatekeeper.admitHost(context);
      const codec = coordinatorCodec((inventory) => lists.share(inventory));
      await coordinator.serveAgent(hostId, mapLink(link, codec));
    },

    async bulk(link, context) {
      const hostId = gatekeeper.hostOf(context);
      const incoming = link.incoming[Symbol.asyncIterator]();
      const first = await incoming.next();
      if (first.done === true || first.value.ticket === "") {
        throw new MusterError("invalid", "a bulk stream begins with its ticket");
      }
      const ended = new Promise<void>((resolve) => {
        const bytes: Link<Bytes, Bytes> = {
          send: ({ data }) => {
            link.send({ data: Buffer.from(data) });
          },
          close: (error) => {
            link.close(error);
          },
          incoming: chunks(first.value, incoming, resolve),
        };
        coordinator.consoles.arrive(hostId, first.value.ticket, bytes);
      });
      await ended;
    },
  });
}

/** The first chunk may carry bytes beside its ticket. */
async function* chunks(
  first: BulkRequest,
  rest: AsyncIterator<BulkRequest>,
  ended: () => void,
): AsyncGenerator<Bytes> {
  try {
    if (first.data.length > 0) yield { data: first.data };
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield { data: next.value.data };
    }
  } finally {
    ended();
  }
}
