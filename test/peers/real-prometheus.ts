/** A Prometheus of the distribution, on a port of this machine, with a configuration of ours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const QUERY_TIMEOUT_MS = 2000;
const ATTEMPT_EVERY_MS = 200;

export interface RealPrometheus extends AsyncDisposable {
  /** Asks until the answer, as JSON text, has what is wanted. Throws with the last answer after 30 s. */
  eventually(expression: string, wanted: string): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function query(port: number, expression: string): Promise<string> {
  const url = `http://127.0.0.1:${String(port)}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(QUERY_TIMEOUT_MS) });
  return response.text();
}

async function eventually(port: number, expression: string, wanted: string): Promise<void> {
  let last = "nothing yet";
  for (let attempt = 0; attempt < 150; attempt += 1) {
    try {
      last = await query(port, expression);
      if (last.includes(wanted)) return;
    } catch (error) {
      last = String(error);
    }
    await delay(ATTEMPT_EVERY_MS);
  }
  throw new Error(`${expression} never had ${wanted}; last: ${last}`);
}

/** `configuration` is prometheus.yml as an object: JSON is YAML. */
export async function startPrometheus(configuration: object): Promise<RealPrometheus> {
  const scratch = mkdtempSync(join(tmpdir(), "muster-prometheus-"));
  const port = await freePort();
  writeFileSync(join(scratch, "prometheus.yml"), JSON.stringify(configuration));
  const child = spawn(
    "prometheus",
    [
      `--config.file=${scratch}/prometheus.yml`,
      `--storage.tsdb.path=${scratch}/data`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
    ],
    { stdio: "ignore" },
  );
  const ended = once(child, "exit");
  return {
    eventually: (expression, wanted) => eventually(port, expression, wanted),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
