/** The shape of the committed facts (`facts/*.json`): names, numbers and XDR types of libvirt's protocol, nothing else. */

export interface FieldFact {
  readonly name: string;
  /** As in the `.x` file, with constants replaced by their numbers: `remote_nonnull_domain<16384>`. */
  readonly type: string;
  /** The canonical signature with every typedef and struct expanded. */
  readonly wire: string;
}

export interface StructFact {
  readonly fields: readonly FieldFact[];
  readonly wire: string;
}

export interface ProcedureFact {
  readonly number: number;
  readonly name: string;
  readonly priority: "high" | "normal";
  readonly stream: "upload" | "download" | null;
  /** The oldest release in the facts that has it. */
  readonly since: string;
  /** Null for calls; -1 for an event message without a callback id. */
  readonly eventId: number | null;
  readonly args: (StructFact & { readonly struct: string }) | null;
  readonly ret: (StructFact & { readonly struct: string }) | null;
  readonly msg: (StructFact & { readonly struct: string }) | null;
}

export interface ProgramFact {
  readonly name: string;
  readonly number: number;
  readonly version: number;
  readonly procedures: readonly ProcedureFact[];
}

export interface ProtocolFacts {
  readonly versions: readonly string[];
  readonly programs: readonly ProgramFact[];
  readonly typedefs: Readonly<Record<string, string>>;
  readonly structs: Readonly<Record<string, StructFact>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly errorWire: string;
}

export interface ConstantFacts {
  readonly enums: Readonly<Record<string, Readonly<Record<string, number | null>>>>;
  readonly defines: Readonly<Record<string, string | number>>;
}
