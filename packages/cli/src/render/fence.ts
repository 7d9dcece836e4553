/** Fence devices for people. PURE. */
import type { FenceAnswer, FenceDevice } from "@muster/proto/admin";
import type { Paint } from "./style.ts";
import { renderTable } from "./table.ts";

export const renderDevices = (devices: readonly FenceDevice[], paint: Paint): string =>
  renderTable(
    [
      { title: "AGENT", cell: ({ agent }) => ({ text: agent, tone: "strong" }) },
      { title: "RUN BY", cell: ({ viaHost }) => (viaHost === "" ? "coordinator" : viaHost) },
      {
        title: "PARAMETERS",
        cell: ({ parameters }) =>
          Object.entries(parameters)
            .map(([name, value]) => `${name}=${value}`)
            .join(" "),
      },
    ],
    devices,
    paint,
  );

export const renderFenceAnswers = (answers: readonly FenceAnswer[], paint: Paint): string =>
  renderTable(
    [
      { title: "AGENT", cell: ({ agent }) => ({ text: agent, tone: "strong" }) },
      { title: "POWER", cell: ({ power }) => power },
      { title: "PROBLEM", cell: ({ problem }) => ({ text: problem, tone: "bad" }) },
    ],
    answers,
    paint,
  );
