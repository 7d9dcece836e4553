/** Talks to a guest through libvirt: programs by the guest agent, its state by its workload's status line. */
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, run, type CommandResult } from "./command.ts";
import { waitFor } from "./waiting.ts";

/** What the tiny guest's workload says about itself each second (guest/labguest.c). */
export interface GuestStatus {
  readonly name: string;
  /** Changes when the guest boots anew. */
  readonly boot: string;
  /** Seconds counted since boot, without a jump as long as its state is kept. */
  readonly count: number;
  readonly upSeconds: number;
  /** The longest time in the last second or more in which it did not run. */
  readonly gapSeconds: number;
  readonly memoryErrors: number;
  readonly dirtyErrors: number;
  readonly diskOk: number;
  readonly diskErrors: number;
}

const AGENT_TIMEOUT_SECONDS = "10";
const EXEC_TIMEOUT_MS = 60_000;

/** Reads a status line. @throws Error when it is none. */
export function parseGuestStatus(line: string): GuestStatus {
  const values = new Map(
    Array.from(line.matchAll(/(\w+)=(\S*)/g), (match) => [match[1], match[2]]),
  );
  const text = (key: string): string => {
    const value = values.get(key);
    if (value === undefined)
      throw new Error(`no ${key} in the guest's status line: ${JSON.stringify(line)}`);
    return value;
  };
  return {
    name: text("name"),
    boot: text("boot"),
    count: Number(text("count")),
    upSeconds: Number(text("up")),
    gapSeconds: Number(text("gap")),
    memoryErrors: Number(text("memerr")),
    dirtyErrors: Number(text("dirtyerr")),
    diskOk: Number(text("diskok")),
    diskErrors: Number(text("diskerr")),
  };
}

interface ExecStatus {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly "out-data"?: string;
  readonly "err-data"?: string;
}

async function agentCommand<T>(uri: string, vm: string, execute: string, args: object): Promise<T> {
  const request = JSON.stringify({ execute, arguments: args });
  const virsh = [
    "virsh",
    "-c",
    uri,
    "qemu-agent-command",
    vm,
    "--timeout",
    AGENT_TIMEOUT_SECONDS,
    request,
  ];
  const { stdout } = await run(virsh);
  const answer = JSON.parse(stdout) as { readonly return: T };
  return answer.return;
}

const decode = (base64 = ""): string => Buffer.from(base64, "base64").toString();

/**
 * Runs a program (absolute path) in a guest. Any exit code is a result; the caller decides.
 * @throws CommandError when the guest agent does not answer; Error when the program takes too long.
 */
export async function guestExec(
  uri: string,
  vm: string,
  argv: readonly string[],
  { timeoutMs = EXEC_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  const [path, ...arg] = argv;
  const started = await agentCommand<{ pid: number }>(uri, vm, "guest-exec", {
    path,
    arg,
    "capture-output": true,
  });
  const look = async (): Promise<ExecStatus | undefined> => {
    const status = await agentCommand<ExecStatus>(uri, vm, "guest-exec-status", {
      pid: started.pid,
    });
    return status.exited ? status : undefined;
  };
  const status = await waitFor(`${argv.join(" ")} in guest ${vm}`, look, {
    timeoutMs,
    everyMs: 150,
  });
  return {
    exitCode: status.exitcode ?? -1,
    stdout: decode(status["out-data"]),
    stderr: decode(status["err-data"]),
  };
}

/** Asks the workload of a tiny guest. @throws CommandError or Error when guest or agent do not answer. */
export async function guestStatus(uri: string, vm: string): Promise<GuestStatus> {
  const ask = ["/bin/nc", "-w", "5", "127.0.0.1", "7"];
  const { stdout } = await guestExec(uri, vm, ask);
  return parseGuestStatus(stdout);
}

/** Waits until a tiny guest is up, agent and workload. @throws Error with the last refusal. */
export async function waitForGuest(
  uri: string,
  vm: string,
  timeoutMs: number,
): Promise<GuestStatus> {
  let refusal: unknown;
  const look = async (): Promise<GuestStatus | undefined> => {
    try {
      const status = await guestStatus(uri, vm);
      // The agent may answer before the workload has counted for the first time.
      return status.count > 0 ? status : undefined;
    } catch (error) {
      refusal = error;
      // A VM that is not there will not come up. An agent that is not there may.
      if (
        error instanceof CommandError &&
        /domain is not running|failed to get domain/.test(error.stderr)
      )
        throw error;
      await sleep(300);
      return undefined;
    }
  };
  return waitFor(`guest ${vm} to come up`, look, {
    timeoutMs,
    everyMs: 200,
    explain: () => (refusal instanceof Error ? refusal.message : "it does not count"),
  });
}
