/** A real Prometheus, with the example configuration, scrapes a real coordinator and finds its agents. */
import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isInstalled, root } from "../peers/tools.ts";
import { Cluster } from "./cluster.ts";

const PROMETHEUS = "http://127.0.0.1:9090";

describe.skipIf(!isInstalled("prometheus"))("Prometheus on a cluster", () => {
  let cluster: Cluster;
  let directory: string;

  beforeAll(async () => {
    cluster = await Cluster.up({ hosts: 2, directory: "/tmp/muster-scraped" });
    directory = join(cluster.muster.dataDirectory, "prometheus");
    await mkdir(directory);
    await cluster.succeeded(await cluster.createVm({ name: "watched" }));
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  /** Fetches on the coordinator's machine, as Prometheus there would. */
  async function get(url: string): Promise<string> {
    const program = `fetch(${JSON.stringify(url)}).then(async (answer) => process.stdout.write(await answer.text()))`;
    return (await cluster.lab.control.exec([process.execPath, "-e", program])).stdout;
  }

  it("has every host up, over TLS, by the certificate of its own", async () => {
    const certificate = join(directory, "certificate");
    await cluster.lab.control.exec(
      cluster.program(
        ...(["muster-coordinator", "certificate", "prometheus", certificate] as const),
        ...(["--role", "metrics", "--data-directory"] as const),
        join(cluster.muster.dataDirectory, "coordinator"),
      ),
    );
    const example = await readFile(join(root, "deploy/prometheus/prometheus.example.yml"), "utf8");
    const { scrape_configs: jobs } = parse(example) as {
      readonly scrape_configs: readonly object[];
    };
    const tls = {
      ca_file: join(certificate, "authority.pem"),
      cert_file: join(certificate, "certificate.pem"),
      key_file: join(certificate, "key.pem"),
    };
    const hurried = jobs.map((job) => ({
      ...job,
      scrape_interval: "1s",
      scrape_timeout: "1s",
      ...("http_sd_configs" in job
        ? {
            tls_config: tls,
            http_sd_configs: [{ url: "http://127.0.0.1:7480/sd", refresh_interval: "1s" }],
          }
        : { static_configs: [{ targets: ["127.0.0.1:7480"] }] }),
    }));
    const configuration = join(directory, "prometheus.yml");
    await writeFile(configuration, JSON.stringify({ scrape_configs: hurried }));
    await using prometheus = cluster.lab.control.spawn([
      ...["prometheus", `--config.file=${configuration}`],
      ...[`--storage.tsdb.path=${directory}/data`, "--web.listen-address=127.0.0.1:9090"],
    ]);
    let last = "";
    const count = async (expression: string): Promise<number> => {
      last = await get(`${PROMETHEUS}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const [, value] = /"value":\[[^,]*,"(\d+)"\]/.exec(last) ?? [];
      return Number(value ?? 0);
    };
    const isSeen = async (): Promise<boolean> => {
      try {
        return (await count("count(up == 1)")) === 3;
      } catch (error) {
        last = String(error);
        return false;
      }
    };
    await cluster.muster
      .eventually(30_000, isSeen, "a coordinator and two agents up")
      .catch((error: unknown) => {
        throw new Error(`${last}, see ${prometheus.logFile}`, { cause: error });
      });
    expect(await count("count(up)")).toBe(3);
    expect(await count("sum(libvirt_up)")).toBe(2);
    expect(await count("sum(muster_hosts)")).toBe(2);
  });

  it("has nothing to say against what the coordinator serves", async () => {
    const text = await get("http://127.0.0.1:7480/metrics");
    expect(text).toContain("muster_hosts");
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input: text,
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([0, "", ""]);
  });
});
