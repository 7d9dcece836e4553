import type { CallOptions } from "../../pending-call.ts";
import { HypervisorBase } from "./hypervisor-base.ts";

export interface NodeInfo {
  readonly model: string;
  readonly memoryKiB: bigint;
  readonly cpus: number;
  readonly mhz: number;
  readonly nodes: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

export interface NodeCpuStatsOptions extends CallOptions {
  /** One CPU; all together by default. */
  readonly cpu?: number | undefined;
}

export interface NodeMemoryStatsOptions extends CallOptions {
  /** One NUMA node; all together by default. */
  readonly cell?: number | undefined;
}

export interface CellsOptions extends CallOptions {
  readonly startCell?: number | undefined;
  readonly cellCount?: number | undefined;
}

export interface FreePages {
  readonly cell: number;
  readonly pageSizeKiB: number;
  readonly free: bigint;
}

/** "All of them" in nodeGetCpuStats and nodeGetMemoryStats. */
const ALL = -1;

/** The host itself: virNode*. */
export abstract class HypervisorNode extends HypervisorBase {
  /** virNodeGetInfo (0.1.0). A high-priority call: answered while every normal worker of the daemon hangs. */
  async nodeGetInfo(options?: CallOptions): Promise<NodeInfo> {
    const { memory, ...info } = await this.session.call("nodeGetInfo", {}, options);
    return { ...info, memoryKiB: memory };
  }

  /** virNodeGetCPUStats (0.9.3): nanoseconds by name: kernel, user, idle, iowait. */
  async nodeGetCpuStats(
    options: NodeCpuStatsOptions = {},
  ): Promise<Readonly<Record<string, bigint>>> {
    const cpuNum = options.cpu ?? ALL;
    const ask = (nparams: number) =>
      this.session.call("nodeGetCpuStats", { cpuNum, nparams, flags: 0 }, options);
    return byField((await ask((await ask(0)).nparams)).params);
  }

  /** virNodeGetMemoryStats (0.9.3): KiB by name: total, free, buffers, cached. */
  async nodeGetMemoryStats(
    options: NodeMemoryStatsOptions = {},
  ): Promise<Readonly<Record<string, bigint>>> {
    const cellNum = options.cell ?? ALL;
    const ask = (nparams: number) =>
      this.session.call("nodeGetMemoryStats", { cellNum, nparams, flags: 0 }, options);
    return byField((await ask((await ask(0)).nparams)).params);
  }

  /** virNodeGetFreeMemory (0.3.3): bytes. */
  async nodeGetFreeMemory(options?: CallOptions): Promise<bigint> {
    return (await this.session.call("nodeGetFreeMemory", {}, options)).freeMem;
  }

  /** virNodeGetCellsFreeMemory (0.3.3): bytes of each NUMA node. */
  async nodeGetCellsFreeMemory(options: CellsOptions = {}): Promise<readonly bigint[]> {
    const { startCell = 0, cellCount = CELLS_MAX } = options;
    const args = { startCell, maxcells: cellCount };
    return (await this.session.call("nodeGetCellsFreeMemory", args, options)).cells;
  }

  /** virNodeGetFreePages (1.2.6): free pages of each size in each NUMA node. */
  async nodeGetFreePages(
    pageSizesKiB: readonly number[],
    options: CellsOptions = {},
  ): Promise<readonly FreePages[]> {
    const { startCell = 0, cellCount = 1 } = options;
    const args = { pages: pageSizesKiB, startCell, cellCount, flags: 0 };
    const { counts } = await this.session.call("nodeGetFreePages", args, options);
    return counts.map((free, index) => ({
      cell: startCell + Math.floor(index / pageSizesKiB.length),
      pageSizeKiB: pageSizesKiB[index % pageSizesKiB.length] ?? 0,
      free,
    }));
  }
}

const CELLS_MAX = 1024;

function byField(
  stats: readonly { readonly field: string; readonly value: bigint }[],
): Readonly<Record<string, bigint>> {
  return Object.fromEntries(stats.map(({ field, value }) => [field, value]));
}
