/** Which hosts something is meant for. */
import { assertNever } from "./assert.ts";
import type { HostRecord } from "./host.ts";
import { matchesLabels, renderLabelQuery, type LabelTerm } from "./label-query.ts";

export type HostChoice =
  | { readonly kind: "all" }
  | { readonly kind: "named"; readonly names: readonly string[] }
  | { readonly kind: "pool"; readonly pool: string }
  | { readonly kind: "labels"; readonly terms: readonly LabelTerm[] };

type ChoosableHost = Pick<HostRecord, "name" | "traits">;

export function isChosen(choice: HostChoice, host: ChoosableHost): boolean {
  switch (choice.kind) {
    case "all":
      return true;
    case "named":
      return choice.names.includes(host.name);
    case "pool":
      return host.traits?.pool === choice.pool;
    case "labels":
      return matchesLabels(choice.terms, host.traits?.labels ?? {});
    default:
      return assertNever(choice);
  }
}

/** For people: "all hosts", "h1, h2", "pool gpu", "rack=7". */
export function renderHostChoice(choice: HostChoice): string {
  switch (choice.kind) {
    case "all":
      return "all hosts";
    case "named":
      return choice.names.join(", ");
    case "pool":
      return `pool ${choice.pool}`;
    case "labels":
      return renderLabelQuery(choice.terms);
    default:
      return assertNever(choice);
  }
}

/** The more exactly a choice says which hosts it means, the more it counts where several fit. */
const exactness: Readonly<Record<HostChoice["kind"], number>> = {
  all: 0,
  pool: 1,
  labels: 2,
  named: 3,
};

export const isMoreExact = (left: HostChoice, right: HostChoice): boolean =>
  exactness[left.kind] > exactness[right.kind];

/** Two choices that fit one host are a clash when neither is more exact. */
export const isEquallyExact = (left: HostChoice, right: HostChoice): boolean =>
  exactness[left.kind] === exactness[right.kind];
