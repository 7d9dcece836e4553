/**
 * Trims a full dump of libvirt's protocol and public headers to what the generator reads.
 *
 *     node codegen/import-facts.ts DIRECTORY
 *
 * DIRECTORY holds `libvirt-procs.json` and `libvirt-consts.json`: names, numbers and types parsed from libvirt's own
 * `*_protocol.x` files and public headers, for several releases. The trimmed facts are committed, so that anyone can
 * rerun the generator and every generated line can be held against them.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type {
  ConstantFacts,
  FieldFact,
  ProcedureFact,
  ProtocolFacts,
  StructFact,
} from "./facts.ts";

interface FullBody {
  readonly struct: string;
  readonly fields: readonly FieldFact[];
  readonly wire: string;
}

interface FullProcedure {
  readonly number: number;
  readonly name: string;
  readonly priority?: string;
  readonly readstream?: number;
  readonly writestream?: number;
  readonly args?: FullBody | null;
  readonly ret?: FullBody | null;
  readonly msg?: FullBody | null;
  readonly event?: boolean;
  readonly eventId?: number | null;
}

interface FullVersion {
  readonly net: { readonly structs: Record<string, StructFact> };
  readonly programs: Record<
    string,
    {
      readonly program: number;
      readonly version: number;
      readonly procedures: readonly FullProcedure[];
    }
  >;
  readonly types: Record<
    string,
    {
      readonly typedefs: Record<string, { readonly type: string }>;
      readonly structs: Record<string, StructFact>;
      readonly enums: Record<string, Record<string, number>>;
    }
  >;
}

interface FullFacts {
  readonly newest: string;
  readonly versions: Record<string, FullVersion>;
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the facts have no ${what}`);
  return value;
}

const fieldsOf = (fields: readonly FieldFact[]): FieldFact[] =>
  fields.map(({ name, type, wire }) => ({ name, type, wire }));

function bodyOf(body: FullBody | null | undefined): ProcedureFact["args"] {
  return body ? { struct: body.struct, fields: fieldsOf(body.fields), wire: body.wire } : null;
}

function trimProcedure(full: FullProcedure, since: string): ProcedureFact {
  const stream = full.writestream ? "upload" : full.readstream ? "download" : null;
  return {
    number: full.number,
    name: full.name,
    priority: full.priority === "high" ? "high" : "normal",
    stream,
    since,
    eventId: full.event ? (full.eventId ?? -1) : null,
    args: bodyOf(full.args),
    ret: bodyOf(full.ret),
    msg: bodyOf(full.msg),
  };
}

function trimProtocol(full: FullFacts): ProtocolFacts {
  const newest = present(full.versions[full.newest], full.newest);
  const oldestFirst = Object.keys(full.versions).toSorted((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  const types = present(newest.types["remote"], "remote types");
  const programs = ["remote", "qemu"].map((name) => {
    const program = present(newest.programs[name], name);
    const sinceOf = (procedure: string) =>
      present(
        oldestFirst.find((version) =>
          full.versions[version]?.programs[name]?.procedures.some((p) => p.name === procedure),
        ),
        procedure,
      );
    const procedures = program.procedures.map((p) => trimProcedure(p, sinceOf(p.name)));
    return { name, number: program.program, version: program.version, procedures };
  });
  return {
    versions: oldestFirst,
    programs,
    typedefs: Object.fromEntries(
      Object.entries(types.typedefs).map(([name, { type }]) => [name, type]),
    ),
    structs: Object.fromEntries(
      Object.entries(types.structs).map(([name, { fields, wire }]) => [
        name,
        { fields: fieldsOf(fields), wire },
      ]),
    ),
    enums: types.enums,
    errorWire: present(newest.net.structs["virNetMessageError"], "virNetMessageError").wire,
  };
}

const save = (name: string, value: unknown) =>
  writeFileSync(join(import.meta.dirname, "facts", name), `${JSON.stringify(value, null, 1)}\n`);

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("usage: node codegen/import-facts.ts DIRECTORY");
const read = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), "utf8"));
const procedures = read("libvirt-procs.json") as FullFacts;
const constants = read("libvirt-consts.json") as Record<string, ConstantFacts>;
save("protocol.json", trimProtocol(procedures));
const { enums, defines } = present(constants[procedures.newest], "newest constants");
const parameterNames = Object.entries(defines).filter(([, value]) => typeof value === "string");
save("constants.json", { enums, defines: Object.fromEntries(parameterNames) });
