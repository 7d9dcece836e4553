import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { PrivateLibvirtd } from "./private-libvirtd.ts";

/**
 * Makes a program that runs inside the daemon's namespaces, where sockets have their usual paths and users can be
 * changed. `body` may use everything that this library exports as `libvirt`, and prints JSON with `say()`.
 */
export function programInside(
  daemon: PrivateLibvirtd,
  body: string,
): (...args: string[]) => unknown {
  const library = JSON.stringify(join(import.meta.dirname, "../src/index.ts"));
  const text = `import * as libvirt from ${library};
    const say = (value) => console.log(JSON.stringify(value));
    ${body}`;
  const entry = join(daemon.root, "run/client.ts");
  writeFileSync(entry, text);
  const outfile = join(daemon.root, "run/client.mjs");
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
  });
  return (...args) =>
    JSON.parse(daemon.exec(process.execPath, "/run/client.mjs", ...args)) as unknown;
}
