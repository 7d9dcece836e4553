/** Which hosts: three fields on the wire, of which at most one is set. */
import { assertNever } from "../assert.ts";
import { invalid } from "../errors.ts";
import type { HostChoice } from "../host-choice.ts";
import { parseLabelQuery, renderLabelQuery } from "../label-query.ts";
import { parseName, parseWord } from "../names.ts";
import { fieldAt, readList, refuseDuplicates } from "./fields.ts";

interface WireChoice {
  readonly hosts: readonly string[];
  readonly hostPool: string;
  readonly hostLabels: string;
}

/** A cluster is sized for 2,500 hosts. */
const HOSTS_MAX = 10_000;

export function decodeHostChoice(wire: WireChoice, field: string): HostChoice {
  const at = (part: string): string => fieldAt(field, part);
  const names = readList(wire.hosts, { field: at("hosts"), max: HOSTS_MAX }, parseName);
  refuseDuplicates(names, at("hosts"));
  const ways = [names.length > 0, wire.hostPool !== "", wire.hostLabels !== ""];
  if (ways.filter(Boolean).length > 1) {
    throw invalid(at("hosts"), "choose hosts by names, by pool or by labels, not by several");
  }
  if (names.length > 0) return { kind: "named", names };
  if (wire.hostPool !== "") {
    return { kind: "pool", pool: parseWord(wire.hostPool, at("hostPool")) };
  }
  if (wire.hostLabels !== "") {
    return { kind: "labels", terms: parseLabelQuery(wire.hostLabels, at("hostLabels")) };
  }
  return { kind: "all" };
}

export function encodeHostChoice(choice: HostChoice): {
  hosts: string[];
  hostPool: string;
  hostLabels: string;
} {
  const all = { hosts: [], hostPool: "", hostLabels: "" };
  switch (choice.kind) {
    case "all":
      return all;
    case "named":
      return { ...all, hosts: [...choice.names] };
    case "pool":
      return { ...all, hostPool: choice.pool };
    case "labels":
      return { ...all, hostLabels: renderLabelQuery(choice.terms) };
    default:
      return assertNever(choice);
  }
}
