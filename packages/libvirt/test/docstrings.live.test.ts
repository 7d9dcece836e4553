/** Every docstring that names a function of libvirt's C API says since when: libvirt's own library must agree. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callsDocument } from "../scripts/calls.ts";

const libraries = ["libvirt.so.0", "libvirt-qemu.so.0"].map(
  (name) => `/usr/lib/x86_64-linux-gnu/${name}`,
);
const sources = join(import.meta.dirname, "../src");

/** Function → release, from the symbol versions. */
function releases(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const library of libraries) {
    const symbols = execFileSync("nm", ["-D", "--with-symbol-versions", library], {
      encoding: "utf8",
    });
    for (const [, name = "", since = ""] of symbols.matchAll(
      /\b(vir\w+)@+LIBVIRT(?:_QEMU)?_([\d.]+)/g,
    )) {
      found.set(name, since);
    }
  }
  return found;
}

describe("docstrings", () => {
  it("name real functions and the release that brought them", (context) => {
    const missing =
      libraries.find((library) => !existsSync(library)) ??
      (existsSync("/usr/bin/nm") ? undefined : "nm");
    if (missing !== undefined) {
      console.warn(`SKIPPED against real libvirt: no ${missing}`);
      return context.skip(`no ${missing}`);
    }
    const known = releases();
    const wrong: string[] = [];
    let checked = 0;
    for (const file of readdirSync(sources, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const text = readFileSync(join(sources, file), "utf8");
      for (const [, name = "", said = ""] of text.matchAll(/\b(vir[A-Z]\w+) \(([\d.]+)\)/g)) {
        const real = known.get(name);
        // A function that this library is too old for cannot be checked here.
        if (real === undefined && Number(said.split(".")[0]) >= 9) continue;
        checked++;
        if (real !== said) wrong.push(`${file}: ${name} (${said}) is since ${real ?? "never"}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(checked).toBeGreaterThan(300);
  });

  it("make the list of calls, which is up to date", () => {
    const document = join(import.meta.dirname, "../docs/calls.md");
    expect(readFileSync(document, "utf8")).toBe(callsDocument());
  });
});
