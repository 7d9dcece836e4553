/**
 * Logging: one JSON line per event on standard output, where systemd's journal takes it. Written synchronously,
 * so that the last line before a crash is there, and without a worker thread, which would cost memory.
 *
 * The message is a constant, lower-case phrase; data goes into fields with fixed names. `info`: a state changed;
 * `warn`: we will retry; `error`: somebody should look.
 */
import { pino, type Logger as PinoLogger } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const satisfies LogLevel[];

/** Names that mean the same everywhere. Others may be added beside them. */
export interface LogFields {
  readonly vmId?: string | undefined;
  readonly hostId?: string | undefined;
  readonly operationId?: string | undefined;
  readonly commandId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly network?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly why?: string | undefined;
  readonly durationMs?: number | undefined;
  readonly address?: string | undefined;
  readonly err?: unknown;
  readonly [other: string]: unknown;
}

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

/** Field names whose values never reach the log, at the top or one level down. */
const SECRET_FIELDS = [
  "secret",
  "joinString",
  "privateKey",
  "password",
  "token",
  "ticket",
  "authorization",
] as const;

export interface LoggerOptions {
  /** Name of the program, in every line. */
  readonly name: string;
  readonly level: LogLevel;
  /** Where lines go; standard output unless given. */
  readonly destination?: { write(line: string): void };
}

export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    name: options.name,
    level: options.level,
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
      censor: "[redacted]",
    },
    serializers: { err: serializeError },
    // The journal knows the machine and the process.
    base: { name: options.name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const destination = options.destination ?? pino.destination({ dest: 1, sync: true });
  return new StructuredLogger(pino(settings, destination));
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

class StructuredLogger implements Logger {
  readonly #pino: PinoLogger;

  constructor(sink: PinoLogger) {
    this.#pino = sink;
  }

  debug(fields: LogFields, message: string): void {
    this.#pino.debug(fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#pino.info(fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#pino.warn(fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#pino.error(fields, message);
  }

  child(fields: LogFields): Logger {
    return new StructuredLogger(this.#pino.child(fields));
  }
}

/** The error, its code and its causes, without properties that libraries attach (requests, sockets, keys). */
function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  // A chain longer than this is a loop or noise.
  const hasCause = error.cause !== undefined && depth < 8;
  const cause = hasCause ? { cause: serializeError(error.cause, depth + 1) } : {};
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}
