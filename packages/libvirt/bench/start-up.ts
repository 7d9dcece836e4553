/** What it costs a process to load the library and get its first answer. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { Row } from "./report.ts";

/** 50 MB in all on Node 20, which takes 39 by itself; newer Nodes take more without us. */
const RESIDENT_MB = 11;

const client = (socketPath: string) => `
import { connect } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
const hypervisor = await connect({ socketPath: ${JSON.stringify(socketPath)}, uri: "test:///default" });
await hypervisor.getHostname();
process.stdout.write(String(process.memoryUsage().rss));
await hypervisor.close();
`;

/** The least of many runs, in milliseconds, and what the process printed. */
function timed(script: string): { readonly ms: number; readonly output: string } {
  let ms = Infinity;
  let output = "";
  for (let i = 0; i < 15; i++) {
    const start = performance.now();
    output = execFileSync(process.execPath, [script], { encoding: "utf8" });
    ms = Math.min(ms, performance.now() - start);
  }
  return { ms, output };
}

export function benchStartUp(directory: string, socketPath: string): readonly Row[] {
  const source = join(directory, "client.ts");
  const bundle = join(directory, "client.mjs");
  const bare = join(directory, "bare.mjs");
  writeFileSync(source, client(socketPath));
  writeFileSync(bare, "process.stdout.write(String(process.memoryUsage().rss));\n");
  const options = { bundle: true, minify: true, platform: "node", format: "esm" } as const;
  buildSync({ entryPoints: [source], outfile: bundle, ...options });
  const nothing = timed(bare);
  const ours = timed(bundle);
  const overBare = ours.ms - nothing.ms;
  const rss = (Number(ours.output) - Number(nothing.output)) / 1_048_576;
  const bareRss = (Number(nothing.output) / 1_048_576).toFixed(0);
  const less = { bar: 1, lessIsBetter: true } as const;
  return [
    { what: "first answer over bare Node, ms", ours: overBare, peer: "limit", theirs: 30, ...less },
    {
      what: `resident MB over bare Node (${bareRss})`,
      ours: rss,
      peer: "limit",
      theirs: RESIDENT_MB,
      ...less,
    },
  ];
}
