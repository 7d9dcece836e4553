/** The little of a logger that the daemons' parts need; pino satisfies it, and so does a simulation's. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
