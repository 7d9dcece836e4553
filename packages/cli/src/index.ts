export { exitCodes, exitCodeOf, type ExitCode } from "./exit-codes.ts";
export { runMuster } from "./run-muster.ts";
export type { Keyboard, Screen, Surroundings } from "./surroundings.ts";
