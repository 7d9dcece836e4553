/** What both kinds of quickstart show at their end. */
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { quickstart, type Choices } from "./choices.ts";
import type { MusterCommand } from "./muster-command.ts";
import type { Story } from "./story.ts";

export interface Cluster {
  readonly muster: MusterCommand;
  readonly metricsUrl: string;
  /** Where `muster` lies. */
  readonly binDirectory: string;
  readonly logs: string;
}

const METRICS_TIMEOUT_MS = 5_000;

/** Of the coordinator's metrics; the other lines would fill screens. */
const shownMetrics =
  /^muster_(hosts|vms|migrations_total|migration_transferred_bytes_total|operations_ended_total)\b/;

export async function showCluster({ muster, metricsUrl }: Cluster, story: Story): Promise<void> {
  await muster.show(["host", "ls"]);
  await muster.show(["vm", "ls"]);
  await muster.show(["op", "ls"]);
  const metrics = await read(metricsUrl);
  const lines = metrics.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const shown = lines.filter((line) => shownMetrics.test(line) && !line.endsWith(" 0"));
  story.say(`$ curl ${metricsUrl}   (${String(lines.length)} series, some of them:)`);
  story.say(shown.slice(0, 10).join("\n"));
}

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { timeout: METRICS_TIMEOUT_MS }, (response) => {
      if (response.statusCode === 200) text(response).then(resolve, reject);
      else reject(new Error(`${url} answers ${String(response.statusCode)}`));
    });
    request.on("timeout", () => request.destroy(new Error(`${url} does not answer`)));
    request.on("error", reject);
  });
}

export function tellWhatNext(parts: {
  readonly cluster: Cluster;
  readonly choices: Choices;
  readonly story: Story;
  /** Lines to try, after those every cluster has. */
  readonly more: readonly string[];
}): void {
  const { cluster, choices, story, more } = parts;
  const lines = [
    "",
    `Everything took ${story.elapsed}, and runs on. What to try next:`,
    "",
    `  export PATH=${cluster.binDirectory}:$PATH`,
    "  muster status",
    "  muster vm ls -o wide",
    "  muster vm console blue-1                  its serial console; Ctrl-] leaves",
    "  muster explain vm blue-1                  why it is where it is",
    "  muster vm migrate blue-1 --dry-run        where it would go, and why",
    '  muster host cordon h1 --reason "a test"   nothing new goes there',
    "  muster events --follow",
    ...more,
    "",
    `Metrics of the cluster: ${cluster.metricsUrl}`,
    `Logs: ${cluster.logs}`,
    `Stop it and remove everything: ${quickstart(choices, "down")}`,
  ];
  story.tell(lines.join("\n"));
}
