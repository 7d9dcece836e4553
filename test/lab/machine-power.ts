/** Power for machines: makes the namespaces of one and its pid 1, and ends them. Every step may be repeated. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FABRIC } from "./addresses.ts";
import { plainEnvironment } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";
import { endNamespaces, isAlive, namespaceInit, readRecord } from "./process-record.ts";
import { waitFor } from "./waiting.ts";

const shell = join(import.meta.dirname, "shell");

const START_TIMEOUT_MS = 30_000;

/** Which namespaces each kind of machine has to itself. */
const namespaces = {
  fabric: ["--net", "--mount", "--pid"],
  control: ["--net", "--mount", "--pid", "--uts"],
  host: ["--net", "--mount", "--pid", "--uts", "--ipc"],
} as const;

export interface Power {
  readonly name: string;
  readonly kind: keyof typeof namespaces;
  /** A script in shell/ that is the machine's pid 1, and its arguments before the record's path. */
  readonly init: readonly [script: string, ...args: string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** The pid of a machine's pid 1, seen from outside. @throws Error when the machine is off. */
export function initOf(paths: LabPaths, machine: string): number {
  const record = readRecord(paths.record(machine));
  const init = record === undefined ? undefined : namespaceInit(record);
  if (init === undefined) throw new Error(`${machine} is not up`);
  return init;
}

export function isOn(paths: LabPaths, machine: string): boolean {
  const record = readRecord(paths.record(machine));
  return record !== undefined && isAlive(record);
}

/** The last lines of a machine's own output: why it did not start. */
export function lastWords(paths: LabPaths, machine: string): string {
  const log = paths.log(machine);
  if (!existsSync(log)) return "it said nothing";
  return `it said: ${readFileSync(log, "utf8").trimEnd().split("\n").slice(-6).join(" | ")}`;
}

/** Starts a machine unless it is on. Returns when its pid 1 is there, which may not have set up anything yet. */
export async function switchOn(
  paths: LabPaths,
  { name, kind, init, env = {} }: Power,
): Promise<void> {
  if (isOn(paths, name)) return;
  await mkdir(paths.logs, { recursive: true });
  const record = paths.record(name);
  const [script, ...args] = init;
  // Born in the fabric's mount namespace, a machine inherits the one mount of the shared storage.
  const birthplace =
    kind === "fabric" ? [] : ["nsenter", "-t", String(initOf(paths, FABRIC)), "-m"];
  const unshare = ["unshare", ...namespaces[kind], "--mount-proc", "--fork", "--kill-child=KILL"];
  const log = openSync(paths.log(name), "a");
  const child = spawn(
    join(shell, "spawn.sh"),
    [
      record,
      ...birthplace,
      ...unshare,
      "--propagation",
      "private",
      join(shell, script),
      ...args,
      record,
    ],
    {
      cwd: "/",
      env: { ...plainEnvironment(), ...env },
      stdio: ["ignore", log, log],
      detached: true,
    },
  );
  closeSync(log);
  // The lab outlives this program.
  child.unref();
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", () =>
      reject(new Error(`${name} ended while starting; ${lastWords(paths, name)}`)),
    );
  });
  const started = waitFor(`${name} to start`, () => isOn(paths, name) && startedInit(paths, name), {
    timeoutMs: START_TIMEOUT_MS,
    everyMs: 5,
    explain: () => lastWords(paths, name),
  });
  await Promise.race([started, failed]);
  // A machine that ends later is seen by whoever waits for it to be ready.
  failed.catch(heardElsewhere);
}

function heardElsewhere(): void {
  // The error reached whoever waited for the machine to start.
}

function startedInit(paths: LabPaths, machine: string): boolean {
  const record = readRecord(paths.record(machine));
  return record !== undefined && namespaceInit(record) !== undefined;
}

/** Waits for a file with which a machine says how far it is. @throws Error when the machine ends instead. */
export async function machineSays(paths: LabPaths, machine: string, file: string): Promise<void> {
  const look = (): boolean => {
    if (existsSync(file)) return true;
    if (!isOn(paths, machine))
      throw new Error(`${machine} ended while starting; ${lastWords(paths, machine)}`);
    return false;
  };
  await waitFor(`${machine} to get ready`, look, {
    timeoutMs: START_TIMEOUT_MS,
    everyMs: 10,
    explain: () => lastWords(paths, machine),
  });
}

/** Ends a machine and everything in it at once, as a power cut does. Nothing when it is off. */
export async function switchOff(paths: LabPaths, machine: string): Promise<void> {
  const record = readRecord(paths.record(machine));
  if (record !== undefined) await endNamespaces(record);
}
