/** A VM's context for people. PURE. */
import type { ContextStageView, ContextView } from "../view/context.ts";
import { renderYaml } from "./serialize.ts";
import type { Paint, Tone } from "./style.ts";
import { renderTable, type Column } from "./table.ts";

const tones: Readonly<Record<string, Tone>> = {
  done: "good",
  configured: "good",
  running: "busy",
  configuring: "busy",
  waiting: "busy",
  failed: "bad",
  "timed-out": "bad",
};

const columns: readonly Column<ContextStageView>[] = [
  { title: "STAGE", cell: ({ stage }) => stage },
  { title: "STATE", cell: ({ state }) => ({ text: state, tone: tones[state] ?? "plain" }) },
  { title: "EXIT", align: "right", cell: ({ exitCode }) => String(exitCode) },
  { title: "AT", cell: ({ at }) => at },
];

/** The last lines of the last log there is. */
export const logLines = (view: ContextView): readonly string[] => {
  const last = view.stages.findLast(({ logTail }) => logTail !== "");
  return (last?.logTail ?? "").split("\n").filter((line) => line !== "");
};

export function renderContext(view: ContextView, paint: Paint): string {
  const state = paint(view.state, tones[view.state] ?? "plain");
  const facts = [
    `VM ${view.vm}: ${state}${view.problem === "" ? "" : `, ${view.problem}`}`,
    `form ${view.format}, its disk ${view.seedPresent ? "is in the VM" : "was removed"}`,
    ...(view.deadline === "" ? [] : [`must be configured by ${view.deadline}`]),
  ];
  const log = view.problem === "" ? [] : logLines(view);
  return [
    `${facts.join("\n")}\n`,
    ...(view.stages.length === 0 ? [] : [`\n${renderTable(columns, view.stages, paint)}`]),
    ...(log.length === 0
      ? []
      : [`\nthe end of its log:\n${log.map((line) => `  ${line}\n`).join("")}`]),
    ...(view.context === null ? [] : [`\n${renderYaml(view.context)}`]),
  ].join("");
}
