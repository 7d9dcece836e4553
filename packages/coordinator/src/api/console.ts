/** A person's console of a VM. */
import { commandIdOf, isActive, MusterError, type OperationId } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext, Link } from "@muster/runtime";
import { findManagedVm } from "./wild-vms.ts";
import { splice, type Bytes } from "../sessions/consoles.ts";
import type { Commands } from "../sessions/commands.ts";
import type { ApiParts } from "./parts.ts";

/** Consoles are no operations: nothing is changed and nothing must survive a restart. */
const CONSOLE_OPERATION = "op-console" as OperationId;
const OPEN_LIMIT_MS = 10_000;

export function consoleHandler(parts: ApiParts, commands: Commands) {
  let count = 0;
  return async (
    link: Link<pb.OpenConsoleResponse, pb.OpenConsoleRequest>,
    context: CallContext,
  ): Promise<void> => {
    parts.operatorOf(context);
    const incoming = link.incoming[Symbol.asyncIterator]();
    const first = await incoming.next();
    if (first.done === true)
      throw new MusterError("invalid", "vm: is required in the first message");
    const vm = findManagedVm(parts, first.value.vm);
    const hostId = vm.placement?.hostId;
    const seen = hostId === undefined ? undefined : parts.observations.get(hostId)?.vms.get(vm.id);
    if (hostId === undefined || seen === undefined || !isActive(seen.state)) {
      throw new MusterError("wrong-state", `VM ${vm.spec.name} is not running`, {
        hint: `start it: muster vm start ${vm.spec.name}`,
      });
    }
    const { ticket, arrival } = parts.consoles.expect(hostId, context.signal);
    count += 1;
    const commandId = commandIdOf(CONSOLE_OPERATION, ticketName(parts), count);
    const opened = commands
      .execute(
        hostId,
        {
          kind: "command",
          commandId,
          timeoutMs: OPEN_LIMIT_MS,
          action: { kind: "open-console", vmId: vm.id, ticket, force: first.value.force },
        },
        {
          signal: context.signal,
          onProgress: () => undefined,
          limitMs: OPEN_LIMIT_MS,
          offlineLimitMs: OPEN_LIMIT_MS,
        },
      )
      .then((result) => {
        if (result.error === undefined) return arrival;
        const { code, message, cause, hint } = result.error;
        throw new MusterError(code, message, { cause: new Error(cause), hint });
      });
    const bulk = await Promise.race([arrival, opened]);
    await splice(personLink(link, incoming), bulk);
  };
}

/** Command ids of one coordinator life must not meet those of another in an agent that outlived it. */
function ticketName(parts: ApiParts): string {
  return `console-${Buffer.from(parts.random.bytes(6)).toString("hex")}`;
}

function personLink(
  link: Link<pb.OpenConsoleResponse, pb.OpenConsoleRequest>,
  rest: AsyncIterator<pb.OpenConsoleRequest>,
): Link<Bytes, Bytes> {
  const typed = async function* (): AsyncGenerator<Bytes> {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      if (next.value.data.length > 0) yield { data: next.value.data };
    }
  };
  return {
    send: ({ data }) => {
      link.send({ data: Buffer.from(data) });
    },
    close: (error) => {
      link.close(error);
    },
    incoming: typed(),
  };
}
