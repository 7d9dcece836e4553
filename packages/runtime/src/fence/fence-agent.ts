/**
 * Runs the fence agents of the distribution (`fence_ipmilan`, `fence_redfish`, `fence_apc`, ...) and a site's own ones:
 * programs that are told on standard input what to do, so that no secret is in an argument list, and that answer by
 * their exit code.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { MusterError, type FenceAction } from "@muster/model";

export interface FenceOrder {
  /** "fence_ipmilan" */
  readonly agent: string;
  readonly action: FenceAction;
  readonly parameters: Readonly<Record<string, string>>;
}

/** What became of the power; absent where the action does not say. */
export interface FenceOutcome {
  readonly power?: "on" | "off";
}

export interface FenceRunner {
  /** @throws MusterError "unreachable" with the agent's words when it failed or did not end in time. */
  run(order: FenceOrder): Promise<FenceOutcome>;
}

/** Where Debian and its relatives keep them. */
export const FENCE_AGENTS_DIRECTORY = "/usr/sbin";

/** Power switches and slow management boards take half a minute; a recovery waits for them. */
export const FENCE_TIMEOUT_MS = 90_000;

const SAID_MAX_CHARACTERS = 1_000;

/** "status" of a host whose power is off ends with this; nothing else does. */
const EXIT_POWER_OFF = 2;

export const fenceRunner = (
  directory = FENCE_AGENTS_DIRECTORY,
  timeoutMs = FENCE_TIMEOUT_MS,
): FenceRunner => ({
  async run(order) {
    const { code, said } = await runAgent(join(directory, order.agent), order, timeoutMs);
    if (order.action === "status" || order.action === "monitor") {
      if (code === EXIT_POWER_OFF) return { power: "off" };
      if (code === 0) return order.action === "status" ? { power: "on" } : {};
    } else if (code === 0) {
      return {};
    }
    throw failure(order, said === "" ? `exit code ${String(code)}` : said);
  },
});

const failure = ({ agent, action }: FenceOrder, cause: unknown): MusterError =>
  new MusterError("unreachable", `${agent} failed to say or do "${action}"`, {
    cause: cause instanceof Error ? cause : new Error(String(cause)),
    hint: "try it by hand with the same parameters, then: muster host fence test",
  });

interface Ending {
  readonly code: number | null;
  readonly said: string;
}

function runAgent(program: string, order: FenceOrder, timeoutMs: number): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], {
      stdio: ["pipe", "ignore", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = `${said}${text}`.slice(-SAID_MAX_CHARACTERS);
    });
    child.on("error", (error) => {
      reject(failure(order, error));
    });
    child.on("close", (code, signal) => {
      if (signal === null) return resolve({ code, said: withoutSecrets(said.trim(), order) });
      const seconds = String(Math.round(timeoutMs / 1_000));
      reject(failure(order, `it was ended after ${seconds} s`));
    });
    // An agent that ends without reading is judged by its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(renderOrder(order));
  });
}

export const renderOrder = ({ action, parameters }: FenceOrder): string =>
  [...Object.entries({ ...parameters, action })]
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");

/** Whatever an agent repeats of what it was told must not end up in a log. Short values would hide everything. */
export function withoutSecrets(text: string, { parameters }: FenceOrder): string {
  const secrets = Object.entries(parameters)
    .filter(([name, value]) => /pass|secret|token|key/i.test(name) && value.length > 2)
    .map(([, value]) => value);
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "[hidden]"), text);
}
