/** Coordinators for people. PURE. */
import type { CoordinatorView, CoordinatorsView } from "../view/coordinator.ts";
import type { Paint, Tone } from "./style.ts";
import { renderTable, type Column } from "./table.ts";

const tones: Readonly<Record<CoordinatorView["role"], Tone>> = {
  leader: "good",
  standby: "busy",
  away: "bad",
  unknown: "bad",
};

/** "0.8 s": how old what it would show may be. A leader shows what is. */
const age = ({ role, ageMs }: CoordinatorView): string => {
  if (role === "leader") return "0.0 s";
  return ageMs === undefined ? "-" : `${(ageMs / 1_000).toFixed(1)} s`;
};

export function renderCoordinators(view: CoordinatorsView, paint: Paint): string {
  const { coordinators, answeredBy, term } = view;
  const columns: readonly Column<CoordinatorView>[] = [
    { title: "NAME", cell: ({ name }) => (name === answeredBy ? `${name} *` : name) },
    { title: "ROLE", cell: ({ role }) => ({ text: role, tone: tones[role] }) },
    {
      title: "TERM",
      align: "right",
      cell: ({ role }) => (role === "leader" && term !== undefined ? String(term) : ""),
    },
    { title: "AGE", align: "right", cell: age },
    { title: "VERSION", cell: ({ version }) => version },
    { title: "ADDRESSES", cell: ({ addresses }) => addresses.join(" ") },
  ];
  return renderTable(columns, coordinators, paint);
}
