/** A question about labels: "rack=7,disk!=hdd,gpu". Every term must hold. */
import { invalid } from "./errors.ts";
import { parseWord } from "./names.ts";
import type { Labels } from "./rules.ts";

export type LabelTerm =
  | { readonly kind: "equals" | "differs"; readonly key: string; readonly value: string }
  | { readonly kind: "has" | "lacks"; readonly key: string };

/** A query that is longer than this is a list of hosts in disguise. */
const TERMS_MAX = 16;

function parseTerm(text: string, field: string): LabelTerm {
  const compared = /^([^!=]+)(!=|=)(.*)$/.exec(text);
  if (compared !== null) {
    const [, key = "", operator, value = ""] = compared;
    return {
      kind: operator === "=" ? "equals" : "differs",
      key: parseWord(key.trim(), field),
      value: parseWord(value.trim(), field),
    };
  }
  return text.startsWith("!")
    ? { kind: "lacks", key: parseWord(text.slice(1).trim(), field) }
    : { kind: "has", key: parseWord(text, field) };
}

/** Throws MusterError "invalid". */
export function parseLabelQuery(text: string, field: string): readonly LabelTerm[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > TERMS_MAX) {
    throw invalid(field, `${String(parts.length)} terms, at most ${String(TERMS_MAX)} are allowed`);
  }
  if (parts.includes("")) {
    throw invalid(field, "a term is empty", 'write terms like "rack=7,disk!=hdd,gpu,!old"');
  }
  return parts.map((part) => parseTerm(part, field));
}

function renderTerm(term: LabelTerm): string {
  switch (term.kind) {
    case "equals":
      return `${term.key}=${term.value}`;
    case "differs":
      return `${term.key}!=${term.value}`;
    case "has":
      return term.key;
    case "lacks":
      return `!${term.key}`;
  }
}

export const renderLabelQuery = (terms: readonly LabelTerm[]): string =>
  terms.map(renderTerm).join(",");

function holds(term: LabelTerm, labels: Labels): boolean {
  const found = Object.hasOwn(labels, term.key) ? labels[term.key] : undefined;
  switch (term.kind) {
    case "equals":
      return found === term.value;
    case "differs":
      return found !== term.value;
    case "has":
      return found !== undefined;
    case "lacks":
      return found === undefined;
  }
}

export const matchesLabels = (terms: readonly LabelTerm[], labels: Labels): boolean =>
  terms.every((term) => holds(term, labels));
