/** From ten hosts to ten thousand: placements, batches, drains, survival and room. */
import { measureScale } from "../scale.ts";
import type { Row } from "./rows.ts";

const BARS: Readonly<Record<number, { p50: number; p99: number; batch: number; drain?: number }>> =
  {
    1000: { p50: 0.1, p99: 0.5, batch: 10_000, drain: 50 },
    10_000: { p50: 0.6, p99: 2, batch: 2000 },
  };

export function* growthRows(): Generator<Row> {
  const costs: { hosts: number; milliseconds: number }[] = [];
  for (const hosts of [10, 100, 1000, 10_000]) {
    const found = measureScale(hosts);
    costs.push({ hosts, milliseconds: found.quickestP50Ms });
    const bars = BARS[hosts];
    const at = `${hosts.toLocaleString("en")} hosts, ${found.vms.toLocaleString("en")} VMs`;
    yield {
      work: `place one, p50: ${at}`,
      measured: found.placeP50Ms,
      unit: "ms",
      ...(bars === undefined ? {} : { bar: { atMost: bars.p50 } }),
    };
    yield {
      work: `place one, p99: ${at}`,
      measured: found.placeP99Ms,
      unit: "ms",
      ...(bars === undefined ? {} : { bar: { atMost: bars.p99 } }),
      note: `quickest of five asks of each: p50 ${found.quickestP50Ms}, p99 ${found.quickestP99Ms} ms`,
    };
    yield {
      work: `batch: ${at}`,
      measured: found.placedPerSecond,
      unit: "/s",
      ...(bars === undefined ? {} : { bar: { atLeast: bars.batch } }),
      note: `${found.placedPerCpuSecond} for each CPU second`,
    };
    yield {
      work: `drain a host of ${found.drained} VMs: ${at}`,
      measured: found.drainMs,
      unit: "ms",
      ...(bars?.drain === undefined ? {} : { bar: { atMost: bars.drain } }),
    };
  }
  const [first, last] = [costs.at(1), costs.at(-1)];
  if (first === undefined || last === undefined) return;
  yield {
    work: "growth of one placement over growth of hosts, from 100",
    measured: last.milliseconds / first.milliseconds / (last.hosts / first.hosts),
    unit: "",
    bar: { atMost: 1 },
  };
}
