/** High availability for people. PURE. */
import type { HaPolicy } from "@muster/proto/types";
import { renderDuration } from "../duration.ts";
import type { HaHostView, HaView, HaVmView } from "../view/ha.ts";
import { haRestartWord } from "../view/words.ts";
import { toneOf, type Paint } from "./style.ts";
import { field, renderFields, renderTable, type Column } from "./table.ts";

/** "on-failure, priority 100, 3 restarts in 1 h, stopped when isolated" */
export function renderPolicy(policy: HaPolicy): string {
  const restart = haRestartWord(policy.restart);
  if (restart === "never") return policy.autostart ? "started with its host" : "left alone";
  const window = renderDuration((policy.windowSeconds || 3_600) * 1_000);
  return [
    restart,
    `priority ${String(policy.priority)}`,
    `${String(policy.restartsMax || 3)} restarts in ${window}`,
    policy.runWhenIsolated ? "runs on when isolated" : "stopped when isolated",
  ].join(", ");
}

const hostColumns: readonly Column<HaHostView>[] = [
  { title: "HOST", cell: ({ host }) => ({ text: host, tone: "strong" }) },
  { title: "STATE", cell: ({ state }) => ({ text: state, tone: toneOf(state) }) },
  { title: "WATCHDOG", cell: ({ watchdogTimeoutMs: ms }) => (ms === 0 ? "" : renderDuration(ms)) },
  { title: "FENCE", align: "right", cell: ({ fenceDevices }) => String(fenceDevices) },
  { title: "VMS", align: "right", cell: ({ vms }) => String(vms) },
  { title: "NEXT", cell: ({ off, next }) => [off, next].filter((part) => part !== "").join("; ") },
];

const vmColumns: readonly Column<HaVmView>[] = [
  { title: "VM", cell: ({ vm }) => ({ text: vm, tone: "strong" }) },
  { title: "HOST", cell: ({ host }) => host },
  { title: "WANTED", cell: ({ wanted }) => wanted },
  { title: "RESTARTS", align: "right", cell: ({ restarts }) => String(restarts) },
  { title: "POLICY", cell: ({ policy }) => (policy === undefined ? "" : renderPolicy(policy)) },
  {
    title: "NEXT",
    cell: ({ next, haError }) =>
      haError === "" ? next : { text: `in error: ${haError}`, tone: "bad" },
  },
];

export function renderHa(ha: HaView, paint: Paint): string {
  const { mode, reason, changedBy, changedAt } = ha;
  const head = renderFields(
    [
      field("high availability", {
        text: mode === "armed" ? mode : `DISARMED (${mode})`,
        tone: toneOf(mode),
      }),
      field("by", changedBy === "" ? "" : `${changedBy} at ${changedAt}`),
      field("reason", reason),
      field("brake", { text: ha.brake, tone: "bad" }),
      field("host is lost after", renderDuration(ha.lostAfterMs)),
      field("lease", renderDuration(ha.leaseMs)),
    ],
    paint,
  );
  const hosts = renderTable(hostColumns, ha.hosts, paint);
  const vms = ha.vms.length === 0 ? "" : `\n${renderTable(vmColumns, ha.vms, paint)}`;
  return `${head}\n${hosts}${vms}`;
}
