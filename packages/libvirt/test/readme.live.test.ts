/** The README's first example, and the package as it is published, against a real libvirtd. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { useLibvirtd } from "./contract.ts";

const URI = "test:///default";
const contract = useLibvirtd(URI);
const home = join(import.meta.dirname, "..");

function firstExample(): string {
  const readme = readFileSync(join(home, "README.md"), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  if (code === undefined) throw new Error("the README has no example");
  return code.replace("qemu:///system", contract().daemon.uri(URI));
}

describe("the README's example", () => {
  it("lists the domains and then says what happens", async () => {
    const args = ["--input-type=module-typescript", "--eval", firstExample()];
    const child = spawn(process.execPath, args, {
      cwd: home,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await expect.poll(() => said, { timeout: 10_000 }).toMatch(/^test is running \(\w+\)\n/);
    contract().daemon.virsh(URI, "suspend", "test");
    await expect.poll(() => said).toMatch(/test suspended \(paused\)\n$/);
    contract().daemon.virsh(URI, "resume", "test");
    child.kill();
    await once(child, "exit");
  });
});

describe("the published package", () => {
  it("loads without TypeScript, in every Node that it promises, and has its types", () => {
    const directory = mkdtempSync(join(tmpdir(), "nlv-package-"));
    const installed = join(directory, "node_modules/node-libvirt");
    mkdirSync(join(installed, ".."), { recursive: true });
    execFileSync(process.execPath, [join(home, "scripts/build.ts"), installed]);
    const target = JSON.stringify({ socketPath: contract().daemon.socketPath, uri: URI });
    const body = `const hypervisor = await connect(${target});
      const [domain] = await hypervisor.listAllDomains();
      console.log(domain?.name);
      await hypervisor.close();\n`;
    writeFileSync(join(directory, "use.mjs"), `import { connect } from "node-libvirt";\n${body}`);
    const nodes = [process.execPath, "/usr/bin/node"].filter((path) => existsSync(path));
    for (const node of nodes) {
      const said = execFileSync(node, ["use.mjs"], { cwd: directory, encoding: "utf8" });
      expect(said).toBe("test\n");
    }
    const typed = `import { connect, type Domain } from "node-libvirt";
      import { FakeServer } from "node-libvirt/testing";
      export const server = new FakeServer().answer("connectGetHostname", () => ({ hostname: "x" }));
      export async function start(domain: Domain): Promise<bigint> {
        await domain.create({ flags: ["paused"] });
        return (await (await connect()).nodeGetInfo()).memoryKiB;
      }\n`;
    writeFileSync(join(directory, "use.ts"), typed);
    writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
    const compiler = join(home, "../../node_modules/typescript/bin/tsc");
    const types = join(home, "../../node_modules/@types");
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--lib",
      "esnext",
      "--target",
      "es2022",
    ];
    const more = ["--types", "node", "--typeRoots", types, "--skipLibCheck", "false"];
    execFileSync(process.execPath, [compiler, ...flags, ...more, "use.ts"], {
      cwd: directory,
      stdio: "pipe",
    });
    rmSync(directory, { recursive: true });
  });
});
