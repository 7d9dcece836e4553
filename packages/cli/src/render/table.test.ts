import { describe, expect, it } from "vitest";
import { paintAnsi, paintNothing } from "./style.ts";
import { field, renderFields, renderTable, type Column } from "./table.ts";

interface Row {
  readonly name: string;
  readonly count: string;
}

const columns: readonly Column<Row>[] = [
  { title: "NAME", cell: ({ name }) => ({ text: name, tone: "good" }) },
  { title: "COUNT", align: "right", cell: ({ count }) => count },
];

describe("renderTable", () => {
  it("aligns columns and shows what is empty", () => {
    const rows = [
      { name: "web-1", count: "2" },
      { name: "a", count: "" },
    ];
    expect(renderTable(columns, rows, paintNothing)).toBe(
      "NAME   COUNT\nweb-1      2\na          -\n",
    );
  });

  it("shows the titles of an empty table", () => {
    expect(renderTable(columns, [], paintNothing)).toBe("NAME  COUNT\n");
  });

  it("keeps the alignment when it paints", () => {
    const painted = renderTable(columns, [{ name: "a", count: "1" }], paintAnsi);

    expect(painted.replace(/\u001b\[\d+m/g, "")).toBe("NAME  COUNT\na         1\n");
    expect(painted).toContain("\u001b[32ma\u001b[0m");
  });

  it("never lets a guest's name reach the terminal as control characters", () => {
    const row = { name: "\u001b]0;owned\u0007\n\u202e", count: "1" };
    const [, line] = renderTable(columns, [row], paintNothing).split("\n");
    expect(line).toBe("?]0;owned???      1");
  });
});

describe("renderFields", () => {
  it("aligns values and leaves out what is empty", () => {
    const fields = [field("host", "h1"), field("trouble", ""), field("certificate", "valid")];
    expect(renderFields(fields, paintNothing)).toBe("host:         h1\ncertificate:  valid\n");
  });
});
