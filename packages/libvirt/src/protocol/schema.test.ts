/** Every generated line against the facts: numbers, priorities and the canonical wire signature of every field. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ConstantFacts, ProtocolFacts } from "../../codegen/facts.ts";
import { generate, generatedDirectory } from "../../codegen/generate.ts";
import { errorCodes } from "./generated/error-names.ts";
import { domainMigrateFlags } from "./generated/flags.ts";
import { qemuCalls, qemuEvents } from "./generated/qemu.ts";
import { remoteCalls, remoteEvents } from "./generated/remote.ts";
import { error } from "./generated/structures.ts";
import type { EventMessage, Procedure } from "./procedure.ts";

const facts = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../codegen/facts/protocol.json"), "utf8"),
) as ProtocolFacts;

type Schemas = Readonly<
  Record<string, Procedure<never, unknown, never> | EventMessage<unknown, never>>
>;
const schemas: Readonly<Record<string, Schemas>> = {
  remote: { ...remoteCalls.all(), ...remoteEvents.all() },
  qemu: { ...qemuCalls.all(), ...qemuEvents.all() },
};

describe.each(facts.programs)("program $name", ({ name, number, version, procedures }) => {
  it("has every procedure and event, number by number and field by field", () => {
    const ours = Object.entries(schemas[name] ?? {}).map(([procedure, schema]) => ({
      procedure,
      number: schema.number,
      program: schema.program,
      ...(schema.kind === "call"
        ? { args: schema.args.wire, ret: schema.ret.wire, priority: schema.priority }
        : { message: schema.message.wire, eventId: schema.eventId }),
    }));
    const theirs = procedures.map((fact) => ({
      procedure: fact.name,
      number: fact.number,
      program: { number, version },
      ...(fact.msg
        ? { message: fact.msg.wire, eventId: fact.eventId ?? -1 }
        : { args: fact.args?.wire ?? "{}", ret: fact.ret?.wire ?? "{}", priority: fact.priority }),
    }));
    const byName = (a: { procedure: string }, b: { procedure: string }) =>
      a.procedure < b.procedure ? -1 : 1;
    expect(ours.toSorted(byName)).toEqual(theirs.toSorted(byName));
  });
});

describe("generated code", () => {
  it("is what the generator writes", () => {
    for (const [file, text] of generate()) {
      expect(readFileSync(join(generatedDirectory, file), "utf8"), file).toBe(text);
    }
  });

  it("has the error as the RPC layer defines it", () => {
    expect(error.wire).toBe(facts.errorWire);
  });

  it("names constants as libvirt numbers them", () => {
    expect(domainMigrateFlags().persistDest).toBe(8);
    expect(errorCodes().noDomain).toBe(42);
  });
});

/** A fuller dump, for those who have it: NODE_LIBVIRT_FACTS is a directory with libvirt-procs.json. */
describe("full facts of several releases", () => {
  interface Release {
    readonly programs: Readonly<
      Record<string, { readonly procedures: readonly (Fact & { readonly name: string })[] }>
    >;
  }
  interface Fact {
    readonly number: number;
    readonly args?: { readonly wire: string } | null;
    readonly ret?: { readonly wire: string } | null;
    readonly msg?: { readonly wire: string } | null;
  }
  const directory = process.env["NODE_LIBVIRT_FACTS"];

  it("agree with the schemas", (context) => {
    if (directory === undefined) {
      console.warn("SKIPPED: NODE_LIBVIRT_FACTS does not name a directory with the full facts");
      return context.skip("no full facts");
    }
    const text = readFileSync(join(directory, "libvirt-procs.json"), "utf8");
    const full = JSON.parse(text) as { readonly versions: Readonly<Record<string, Release>> };
    let compared = 0;
    for (const release of Object.values(full.versions)) {
      for (const [program, table] of Object.entries(schemas)) {
        for (const fact of release.programs[program]?.procedures ?? []) {
          const schema = table[fact.name];
          expect(schema?.number, fact.name).toBe(fact.number);
          if (schema?.kind === "call") {
            expect(schema.args.wire, fact.name).toBe(fact.args?.wire ?? "{}");
            expect(schema.ret.wire, fact.name).toBe(fact.ret?.wire ?? "{}");
          } else expect(schema?.message.wire, fact.name).toBe(fact.msg?.wire);
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(900);
  });

  it("have every call that a manager of virtual machines needs", (context) => {
    if (directory === undefined) return context.skip("no full facts");
    const text = readFileSync(join(directory, "libvirt-agent-procs.json"), "utf8");
    const needed = JSON.parse(text) as {
      readonly calls: readonly { readonly name: string; readonly number: number }[];
      readonly events: readonly { readonly name: string; readonly number: number }[];
    };
    for (const { name, number } of [...needed.calls, ...needed.events]) {
      const schema = schemas["remote"]?.[name] ?? schemas["qemu"]?.[name.replace(/^qemu[:.]?/, "")];
      expect(schema?.number, name).toBe(number);
    }
  });

  it("have the same constants", (context) => {
    if (directory === undefined) return context.skip("no full facts");
    const text = readFileSync(join(directory, "libvirt-consts.json"), "utf8");
    const full = JSON.parse(text) as Readonly<Record<string, ConstantFacts>>;
    const migrate = full["11.3.0"]?.enums["virDomainMigrateFlags"] ?? {};
    for (const [name, value] of Object.entries(domainMigrateFlags())) {
      const constant = `VIR_MIGRATE_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
      expect(migrate[constant], constant).toBe(value);
    }
  });
});
