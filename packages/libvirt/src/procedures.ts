/** Calls by their names, with the types that belong to each. */
import type { Connection } from "./connection.ts";
import type { CallOptions } from "./pending-call.ts";
import { qemuCalls } from "./protocol/generated/qemu.ts";
import { remoteCalls } from "./protocol/generated/remote.ts";
import type { ArgsOf, Procedure, RetOf } from "./protocol/procedure.ts";

export type RemoteCalls = typeof remoteCalls;
export type RemoteCallName = keyof RemoteCalls;
export type QemuCalls = typeof qemuCalls;
export type QemuCallName = keyof QemuCalls;

export function remoteProcedure<Name extends RemoteCallName>(
  name: Name,
): Procedure<ArgsOf<RemoteCalls[Name]>, RetOf<RemoteCalls[Name]>, never> {
  return procedureOf(remoteCalls, name);
}

export function qemuProcedure<Name extends QemuCallName>(
  name: Name,
): Procedure<ArgsOf<QemuCalls[Name]>, RetOf<QemuCalls[Name]>, never> {
  return procedureOf(qemuCalls, name);
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

/** The compiler cannot relate a procedure found by a generic name to its own argument types. */
function procedureOf<Table extends Readonly<Record<string, unknown>>, Name extends keyof Table>(
  table: Table,
  name: Name,
): Procedure<ArgsOf<Table[Name]>, RetOf<Table[Name]>, never> {
  return table[name] as Procedure<ArgsOf<Table[Name]>, RetOf<Table[Name]>, never>;
}
