// Run by the benchmark in a directory where @unraid/libvirt is installed: node unraid-client.mjs DIRECTORY URI
// Each line of its input is an order, "serial COUNT" or "parallel COUNT"; it answers with seconds and CPU seconds.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [directory, uri] = process.argv.slice(2);
const home = join(directory, "node_modules/@unraid/libvirt");
const { exports } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const entry = exports["."].import?.default ?? exports["."].import ?? exports["."].default;
const { Hypervisor } = await import(pathToFileURL(join(home, entry)).href);
const hypervisor = new Hypervisor({ uri });
await hypervisor.connectOpen();
for await (const line of createInterface(process.stdin)) {
  const [what, count] = line.split(" ");
  const width = what === "parallel" ? 64 : 1;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let i = 0; i < Number(count) / width; i++) await hypervisor.nodeGetInfo();
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(seconds, (user + system) / 1e6);
}
process.exit(0);
