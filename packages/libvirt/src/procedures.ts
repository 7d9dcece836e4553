/** Calls by their names, with the types that belong to each. */
import type { Connection } from "./connection.ts";
import type { CallOptions } from "./pending-call.ts";
import { qemuCalls } from "./protocol/generated/qemu.ts";
import { remoteCalls } from "./protocol/generated/remote.ts";
import type { ArgsOf, Procedure, RetOf, SchemasOf } from "./protocol/procedure.ts";

export type RemoteCalls = SchemasOf<typeof remoteCalls>;
export type RemoteCallName = keyof RemoteCalls;
export type QemuCalls = SchemasOf<typeof qemuCalls>;
export type QemuCallName = keyof QemuCalls;

export function remoteProcedure<Name extends RemoteCallName>(
  name: Name,
): Procedure<ArgsOf<RemoteCalls[Name]>, RetOf<RemoteCalls[Name]>, never> {
  // The compiler cannot relate a procedure found by a generic name to its own argument types.
  return remoteCalls.get(name) as never;
}

export function qemuProcedure<Name extends QemuCallName>(
  name: Name,
): Procedure<ArgsOf<QemuCalls[Name]>, RetOf<QemuCalls[Name]>, never> {
  return qemuCalls.get(name) as never;
}

/** A call on one particular connection, for what is bound to it. */
export function callRemote<Name extends RemoteCallName>(
  connection: Connection,
  name: Name,
  args: ArgsOf<RemoteCalls[Name]>,
  options: CallOptions = {},
): Promise<RetOf<RemoteCalls[Name]>> {
  return connection.call(name, remoteProcedure(name), args, options);
}
