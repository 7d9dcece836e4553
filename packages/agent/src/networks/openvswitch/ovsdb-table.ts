/** Tables as `ovs-vsctl --format=json list` prints them (RFC 7047 values). Pure. */
import { MusterError } from "@muster/model";
import { listOf, numberOf, parseJson, recordOf, textOf } from "../json-reader.ts";

/** One row: column name to value in OVSDB's notation. */
export type OvsdbRow = ReadonlyMap<string, unknown>;

/** `ovs-vsctl` prints one line per `list` command. */
export function parseOvsdbTables(text: string): readonly (readonly OvsdbRow[])[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const table = recordOf(parseJson(line, "Open vSwitch's tables"), "Open vSwitch's tables");
      const headings = listOf(table["headings"], "headings").map((each) => textOf(each, "heading"));
      return listOf(table["data"], "rows").map((row) => {
        const cells = listOf(row, "row");
        return new Map(headings.map((heading, index) => [heading, cells[index]]));
      });
    });
}

/** The atoms of a column: a set prints as ["set", [...]], unless it holds exactly one. */
function atomsOf(row: OvsdbRow, column: string): readonly unknown[] {
  const value = row.get(column);
  if (value === undefined) {
    throw new MusterError("network-failed", `Open vSwitch did not list column ${column}`);
  }
  if (Array.isArray(value) && value[0] === "set") return listOf(value[1], column);
  return [value];
}

export const textColumn = (row: OvsdbRow, column: string): string =>
  textOf(atomsOf(row, column)[0], column);

export function optionalTextColumn(row: OvsdbRow, column: string): string | undefined {
  const [atom] = atomsOf(row, column);
  return atom === undefined ? undefined : textOf(atom, column);
}

export const numbersColumn = (row: OvsdbRow, column: string): readonly number[] =>
  atomsOf(row, column).map((atom) => numberOf(atom, column));

export const optionalNumberColumn = (row: OvsdbRow, column: string): number | undefined =>
  numbersColumn(row, column)[0];

/** A UUID prints as ["uuid", "..."]. */
export const uuidsColumn = (row: OvsdbRow, column: string): readonly string[] =>
  atomsOf(row, column).map((atom) => textOf(listOf(atom, column)[1], column));

/** A map prints as ["map", [[key, value], ...]]. */
export function mapColumn(row: OvsdbRow, column: string): ReadonlyMap<string, string> {
  const [, pairs] = listOf(row.get(column), column);
  return new Map(
    listOf(pairs, column).map((pair) => {
      const [key, value] = listOf(pair, column);
      return [textOf(key, column), textOf(value, column)];
    }),
  );
}
