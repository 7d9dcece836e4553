/** A copy of the sources with one bug in it, in which the simulation can be run. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mutation } from "./mutations.ts";

const root = join(import.meta.dirname, "../../..");

export class Mutant implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "muster-mutant-"));

  constructor() {
    for (const part of ["packages", "proto", "test/simulation", "package.json"]) {
      cpSync(join(root, part), join(this.directory, part), {
        recursive: true,
        // What is installed inside packages is found from where they really are.
        filter: (source) => !source.includes("/node_modules"),
      });
    }
    this.#linkModules();
  }

  /** Runs until a seed fails; undefined: none did. */
  firstSeedThatFinds(
    mutation: Mutation,
  ): { readonly seed: number; readonly violation: string } | undefined {
    const path = join(this.directory, mutation.file);
    const sound = readFileSync(path, "utf8");
    writeFileSync(path, mutated(sound, mutation));
    try {
      return this.#simulate(mutation);
    } finally {
      writeFileSync(path, sound);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #simulate({ hosts, minutes, seedsMax }: Mutation) {
    const size = [
      "--hosts",
      String(hosts),
      "--minutes",
      String(minutes),
      "--seeds",
      String(seedsMax),
    ];
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ["test/simulation/main.ts", "--until-failure", "--shrink", "0", ...size],
      { cwd: this.directory, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
    );
    const found = /^seed (\d+): (.*)$/m.exec(stdout);
    if (found !== null) return { seed: Number(found[1]), violation: found[2] ?? "" };
    if (status === 0) return undefined;
    throw new Error(`the simulation of a mutant broke: ${stderr}`);
  }

  /** Packages of ours from the copy, all others from where they are installed. */
  #linkModules(): void {
    const modules = join(this.directory, "node_modules");
    mkdirSync(join(modules, "@muster"), { recursive: true });
    for (const name of readdirSync(join(root, "node_modules"))) {
      if (name === "@muster" || name === "node-libvirt") continue;
      symlinkSync(join(root, "node_modules", name), join(modules, name));
    }
    symlinkSync(join(this.directory, "proto"), join(modules, "@muster/proto"));
    for (const name of readdirSync(join(this.directory, "packages"))) {
      const link = name === "libvirt" ? "node-libvirt" : `@muster/${name}`;
      symlinkSync(join(this.directory, "packages", name), join(modules, link));
    }
  }
}

export function mutated(source: string, { name, file, find, replace }: Mutation): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    const count = String(parts.length - 1);
    throw new Error(`"${name}": what it changes is in ${file} ${count} times instead of once`);
  }
  return parts.join(replace);
}
