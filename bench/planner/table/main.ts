/** The whole table: what the planner is asked to reach, what it reached just now, and whether that is enough. */
import { existsSync, writeFileSync } from "node:fs";
import { growthRows } from "./growth.ts";
import { loopRows, questionRows, rebalanceRows } from "./htools.ts";
import { roadefRows } from "./roadef.ts";
import { isMet, renderRow, type Row } from "./rows.ts";
import { azureRows, byteDanceRows } from "./streams.ts";

export interface TableArguments {
  /** Folder with the public data sets; what needs them is skipped, aloud, without it. */
  readonly data: string;
  /** Names of {@link SECTIONS}; all when empty. */
  readonly only: readonly string[];
  /** CPU seconds for each of the two threads of a ROADEF instance. */
  readonly roadefSeconds: number;
  readonly json: string | undefined;
}

interface Section {
  readonly name: string;
  readonly needsData: boolean;
  readonly rows: (args: TableArguments) => Iterable<Row> | AsyncIterable<Row>;
}

const SECTIONS: readonly Section[] = [
  { name: "growth", needsData: false, rows: () => growthRows() },
  { name: "questions", needsData: true, rows: ({ data }) => questionRows(data) },
  { name: "rebalance", needsData: true, rows: ({ data }) => rebalanceRows(data) },
  { name: "loop", needsData: true, rows: ({ data }) => loopRows(data) },
  { name: "azure", needsData: true, rows: ({ data }) => azureRows(data) },
  { name: "bytedance", needsData: true, rows: ({ data }) => byteDanceRows(data) },
  {
    name: "roadef",
    needsData: true,
    rows: ({ data, roadefSeconds }) => roadefRows(data, roadefSeconds),
  },
];

export const sectionNames: readonly string[] = SECTIONS.map(({ name }) => name);

export async function benchTable(args: TableArguments): Promise<void> {
  const rows: Row[] = [];
  for (const section of SECTIONS) {
    if (args.only.length > 0 && !args.only.includes(section.name)) continue;
    if (section.needsData && !existsSync(args.data)) {
      console.log(`${section.name}: SKIPPED, there is no ${args.data} (--data FOLDER)`);
      continue;
    }
    console.log(`\n${section.name}`);
    for await (const row of section.rows(args)) {
      rows.push(row);
      console.log(renderRow(row));
    }
  }
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(rows, null, 1)}\n`);
  const judged = rows.filter((row) => isMet(row) !== undefined);
  console.log(`\n${judged.filter(isMet).length} of ${judged.length} bars met`);
}
