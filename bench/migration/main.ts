/**
 * `npm run bench -- migration [COUNT]`: how long a guest cannot be reached while it moves, as somebody sees it who asks every
 * five milliseconds from a third host on its network; and what the hosts' agents say. Needs what the lab needs.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Cluster } from "../../test/lab/cluster.ts";
import { answersOf, longestGapMs, quantile } from "./gaps.ts";

const COUNT_DEFAULT = 20;
const GUEST = "10.10.0.1";
const ASK_EVERY_SECONDS = "0.005";
/** Announcements go on for about a second; then the network knows. */
const AFTERWARDS_MS = 1_200;

const count = Number(process.argv[2] ?? COUNT_DEFAULT);
if (!Number.isInteger(count) || count < 1) throw new Error("COUNT: a whole number of moves");

await using cluster = await Cluster.up({
  hosts: 3,
  directory: "/tmp/muster-bench-migration",
  agentOptions: { "metrics.host": "127.0.0.1" },
});
await cluster.createNetwork("blue", 10);
await cluster.succeeded(
  await cluster.createVm({
    ...{ name: "mover", host: "h1", network: "blue", guest: `addr=${GUEST}/24` },
  }),
);
await cluster.lab.waitForGuest("h1", "mover");

const watcher = cluster.lab.host("h3");
for (const line of [
  "ip netns add bench",
  "ip link add bench0 type veth peer name bench1 netns bench",
  "ip link set bench0 up",
  "ovs-vsctl add-port br0 bench0 tag=10",
  "ip -n bench addr add 10.10.0.250/24 dev bench1",
  "ip -n bench link set bench1 up",
]) {
  await watcher.exec(line.split(" "));
}
const logFile = join(cluster.lab.directory, "log/bench-ping.log");
const asking = watcher.spawn(
  ["ip", "netns", "exec", "bench", "ping", "-D", "-O", "-n", "-i", ASK_EVERY_SECONDS, GUEST],
  { logFile },
);

const gaps: number[] = [];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
for (let move = 0; move < count; move += 1) {
  await sleep(AFTERWARDS_MS);
  const from = Date.now() / 1_000;
  await cluster.succeeded(await cluster.migrateVm("mover", { host: move % 2 === 0 ? "h2" : "h1" }));
  await sleep(AFTERWARDS_MS);
  const answers = answersOf(await readFile(logFile, "utf8"));
  gaps.push(longestGapMs(answers, from, Date.now() / 1_000));
}
await asking.kill("SIGINT");
await asking.exited;

const ms = (value: number): string => `${value.toFixed(0)} ms`;
console.info(`black-out of ${String(count)} moves, asked every 5 ms from a third host:`);
console.info(`  p50 ${ms(quantile(gaps, 0.5))}, p95 ${ms(quantile(gaps, 0.95))}`);
console.info(`  shortest ${ms(Math.min(...gaps))}, longest ${ms(Math.max(...gaps))}`);
let sum = 0;
let measured = 0;
for (const host of ["h1", "h2"]) {
  const text = await metricsOf(host);
  const valueOf = (name: string): number =>
    Number(
      new RegExp(`^muster_agent_migration_blackout_seconds_${name} (.*)$`, "m").exec(text)?.[1],
    );
  sum += valueOf("sum") || 0;
  measured += valueOf("count") || 0;
}
const mean = measured === 0 ? "" : `, ${ms((sum / measured) * 1_000)} in the mean`;
console.info(`  the hosts measured ${String(measured)} of them themselves${mean}`);

async function metricsOf(host: string): Promise<string> {
  const ask = 'fetch("http://127.0.0.1:9177/metrics").then((r) => r.text()).then(console.log)';
  const { stdout } = await cluster.lab.host(host).exec([process.execPath, "-e", ask]);
  return stdout;
}
