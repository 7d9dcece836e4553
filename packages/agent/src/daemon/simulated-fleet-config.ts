/** The configuration of `muster-agent simulate`, parsed once into a complete value. */
import { GIB, parseSize } from "@muster/model";
import { logLevels, readConfig, type ConfigSources, type LogLevel } from "@muster/runtime";

export interface SimulatedFleetConfig {
  /** A directory for each host is in it, named like the host. */
  readonly dataDirectory: string;
  readonly logLevel: LogLevel;
  /** File with a join string on each line, "-" for standard input. Absent: only hosts that have joined before. */
  readonly joinStrings?: string;
  /** Of every host. */
  readonly cpus: number;
  readonly memoryBytes: bigint;
}

const CPUS_MAX = 1_024;
const MEMORY_DEFAULT = "16G";

const size = (text: string, field: string): string => String(parseSize(text, field));

export const readSimulatedFleetConfig = (sources: ConfigSources): SimulatedFleetConfig =>
  readConfig(sources, (fields) => {
    const joinStrings = fields.optionalText("join-strings");
    const memory = fields.text("memory", { default: MEMORY_DEFAULT, check: size });
    return {
      dataDirectory: fields.text("data-directory", { default: "/var/lib/muster/simulated" }),
      logLevel: fields.choice("log-level", logLevels, { default: "info" }),
      ...(joinStrings === undefined ? {} : { joinStrings }),
      cpus: fields.integer("cpus", { min: 1, max: CPUS_MAX, default: 8 }),
      // A default is not checked, and a placeholder after a problem is no size.
      memoryBytes: /^\d+$/.test(memory) ? BigInt(memory) : 16n * GIB,
    };
  });
