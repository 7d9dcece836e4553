/** A person's change as a record of the audit trail. Pure. */
import { toJson, type AuditedChange, type AuditRecord } from "@muster/model";
import type { RecordChange } from "../ledger/ledger.ts";
import { keyOf, type Kind } from "../ledger/records.ts";
import type { Author } from "./audit-scope.ts";

/** Of one side of one change. What is longer, such as a plan, is cut: the trail says that it changed and by whom. */
const TEXT_LENGTH_MAX = 2_000;

/** Counters and the trail itself are no changes that anybody asked for. */
const silent: ReadonlySet<Kind> = new Set<Kind>([
  "cluster",
  "audit",
  "authority",
  "coordinator",
  "secrets",
]);

/** Never in the trail, whatever record has them (S10). */
const isSecret = (field: string): boolean => /secret|password|privateKey/i.test(field);

export type Before = (key: string) => object | undefined;

export function auditEntry(
  author: Author,
  changes: readonly RecordChange[],
  about: { readonly id: string; readonly at: Date; readonly before: Before },
): AuditRecord | undefined {
  const told = changes
    .filter(({ kind }) => !silent.has(kind))
    .map((change): AuditedChange => {
      const key = keyOf(change.kind, change.value as never);
      const before = about.before(key);
      const after = change.change === "put" ? change.value : undefined;
      return { thing: thingOf(change, key), ...difference(before, after) };
    });
  if (told.length === 0) return undefined;
  return { id: about.id, at: about.at.toISOString(), ...author, changes: told };
}

/** By name where there is one: ids mean nothing once the thing is gone. */
function thingOf({ kind, value }: RecordChange, key: string): string {
  if (kind === "vm") return `vm/${value.spec.name}`;
  if (kind === "host") return `host/${value.name}`;
  if (kind === "invite") return `invite/${value.hostName}`;
  return key;
}

function difference(
  before: object | undefined,
  after: object | undefined,
): Pick<AuditedChange, "before" | "after"> {
  const [old, fresh] = [fieldsOf(before), fieldsOf(after)];
  const differing = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
    [...one].filter(([field, text]) => other.get(field) !== text);
  return {
    before: before === undefined ? "" : renderFields(differing(old, fresh)),
    after: after === undefined ? "" : renderFields(differing(fresh, old)),
  };
}

const fieldsOf = (value: object | undefined): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(value ?? {})
      .filter(([field, each]) => each !== undefined && !isSecret(field))
      .map(([field, each]) => [field, toJson(each)]),
  );

function renderFields(fields: readonly (readonly [string, string])[]): string {
  const text = `{${fields.map(([field, json]) => `${JSON.stringify(field)}:${json}`).join(",")}}`;
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}…`;
}
