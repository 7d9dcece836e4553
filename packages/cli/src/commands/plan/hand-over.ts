/** Hosts that are empty are worked on: by a command for each of them, or by a person who says when they are ready. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline/promises";
import { invalid, MusterError } from "@muster/model";
import type { Session } from "../../session.ts";

/** @throws MusterError when a command fails, or when there is nobody to ask. */
export async function handOver(
  session: Session,
  hosts: readonly string[],
  command: string | undefined,
): Promise<void> {
  if (command === undefined) return askPerson(session, hosts);
  for (const host of hosts) {
    const ended = await runFor(command, host, session);
    if (ended === "0") continue;
    throw new MusterError("wrong-state", `the command for host ${host} ended with ${ended}`, {
      hint: `the host is empty and takes no VMs; when it is ready: muster host return ${host} --uncordon`,
    });
  }
}

/** That there is somebody to hand over to is to be known before the first VM moves. */
export function checkHandOver({ surroundings }: Session, command: string | undefined): void {
  if (command !== undefined || surroundings.stdin.isTTY === true) return;
  throw invalid("--run", "there is no terminal to ask at", "give --exec COMMAND");
}

/** How it ended: an exit code, or the name of a signal. What it prints goes to stderr: stdout is for results. */
function runFor(command: string, host: string, { surroundings }: Session): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", command], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...surroundings.environment, MUSTER_HOST: host },
    });
    child.stdout.pipe(surroundings.stderr, { end: false });
    child.stderr.pipe(surroundings.stderr, { end: false });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve(String(code ?? signal));
    });
  });
}

async function askPerson(
  { surroundings, output }: Session,
  hosts: readonly string[],
): Promise<void> {
  const { stdin, stderr } = surroundings;
  output.note(`${hosts.join(", ")}: no VM runs there now`);
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    await lines.question("press Enter when they are ready to have their VMs back: ");
  } finally {
    lines.close();
  }
}
