// Run by the benchmark in a directory where @unraid/libvirt is installed: node unraid-client.mjs DIRECTORY URI serial|parallel COUNT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [directory, uri, what, count] = process.argv.slice(2);
const home = join(directory, "node_modules/@unraid/libvirt");
const { exports } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const entry = exports["."].import?.default ?? exports["."].import ?? exports["."].default;
const { Hypervisor } = await import(pathToFileURL(join(home, entry)).href);
const hypervisor = new Hypervisor({ uri });
await hypervisor.connectOpen();
const n = Number(count);
const width = what === "parallel" ? 64 : 1;
for (let i = 0; i < 200; i++) await hypervisor.nodeGetInfo();
const cpu = process.cpuUsage();
const start = performance.now();
await Promise.all(
  Array.from({ length: width }, async () => {
    for (let i = 0; i < n / width; i++) await hypervisor.nodeGetInfo();
  }),
);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(n / seconds, (user + system) / n);
process.exit(0);
