/**
 * Writes docs/calls.md: every method that stands for a function of libvirt's C API, its release, and which tests call
 * it on a real daemon. `node scripts/calls.ts`; with --check it fails if the file is not what it would write.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const root = join(import.meta.dirname, "..");
const file = join(root, "docs/calls.md");

/** What each file of tests runs against. */
const REAL: Readonly<Record<string, string>> = {
  "test-driver.live.test.ts": "test driver",
  "qemu-driver.live.test.ts": "QEMU",
  "guest.live.test.ts": "QEMU",
  "migration.live.test.ts": "QEMU",
  "restart.live.test.ts": "QEMU",
  "remote.live.test.ts": "TLS, SASL",
  "polkit.live.test.ts": "polkit",
  "split-daemons.live.test.ts": "split",
  "golden-scripts.ts": "golden",
  "contract.ts": "all",
};

interface Call {
  readonly family: string;
  readonly method: string;
  readonly functions: readonly string[];
  readonly tested: Set<string>;
}

const filesBelow = (directory: string) =>
  readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .map((name) => join(root, directory, name))
    .filter((name) => name.endsWith(".ts") && !name.includes("node_modules"));

/** Families in the order of the files: a class, and below Domain and Hypervisor the file. */
function familyOf(name: string, path: string): string {
  const part = /\/(domain|hypervisor)-([a-z]+)\.ts$/.exec(path);
  if (!part) return name;
  const [, owner = "", what = ""] = part;
  return `${owner === "domain" ? "Domain" : "Hypervisor"}: ${what === "base" ? "itself" : what}`;
}

function findCalls(program: ts.Program): ReadonlyMap<ts.Node, Call> {
  const calls = new Map<ts.Node, Call>();
  for (const path of new Set([...filesBelow("src/objects"), ...filesBelow("src")])) {
    const source = program.getSourceFile(path);
    if (!source || path.endsWith(".test.ts")) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isClassDeclaration(node)) node.members.forEach((member) => visitMember(node, member));
      else if (ts.isFunctionDeclaration(node) && node.name) add(node, "connect()", node.name.text);
    };
    const visitMember = (owner: ts.ClassDeclaration, member: ts.ClassElement): void => {
      if (!member.name || !ts.isIdentifier(member.name)) return;
      add(member, familyOf(owner.name?.text ?? "", path), member.name.text);
    };
    const add = (node: ts.Node, family: string, method: string): void => {
      const text = source.text.slice(node.pos, node.getStart(source));
      const functions = [...text.matchAll(/\b(vir[A-Z]\w+) \(([\d.]+)\)/g)].map(
        ([, name = "", since = ""]) => `${name} ${since}`,
      );
      if (functions.length > 0) calls.set(node, { family, method, functions, tested: new Set() });
    };
    source.forEachChild(visit);
  }
  return calls;
}

/** Marks what the tests use. */
function findUses(program: ts.Program, calls: ReadonlyMap<ts.Node, Call>): void {
  const checker = program.getTypeChecker();
  for (const path of filesBelow("test")) {
    const against = REAL[relative(join(root, "test"), path)];
    const source = program.getSourceFile(path);
    if (against === undefined || !source) continue;
    const note = (symbol: ts.Symbol | undefined) => {
      const target =
        symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      for (const declaration of target?.declarations ?? [])
        calls.get(declaration)?.tested.add(against);
    };
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node)) note(checker.getSymbolAtLocation(node));
      if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
        const name = (node.propertyName ?? node.name).getText();
        note(checker.getTypeAtLocation(node.parent).getProperty(name));
      }
      node.forEachChild(visit);
    };
    visit(source);
  }
}

function render(calls: readonly Call[]): string {
  const families = Map.groupBy(calls, ({ family }) => family);
  const tested = calls.filter(({ tested: by }) => by.size > 0).length;
  const parts = [
    "# The calls",
    "",
    "Written by `node scripts/calls.ts` from the docstrings and the tests; do not edit.",
    "",
    `${calls.length} methods stand for functions of libvirt's C API, which is named with the release that brought it. ${tested} of them are`,
    "called by tests on a real daemon: libvirt's test driver, QEMU, or a conversation recorded from one of them (golden).",
    "The others carry file descriptors, which Node cannot pass, and reject at once.",
  ];
  for (const [family, list] of families) {
    parts.push("", `## ${family}`, "", "| Method | libvirt | On a real daemon |", "|---|---|---|");
    for (const { method, functions, tested: by } of list) {
      parts.push(`| \`${method}\` | ${functions.join(", ")} | ${[...by].join(", ") || "-"} |`);
    }
  }
  return `${parts.join("\n")}\n`;
}

/** The text of the file as it should be. */
export function callsDocument(): string {
  const program = ts.createProgram([...filesBelow("src"), ...filesBelow("test")], {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    types: ["node"],
  });
  const calls = findCalls(program);
  findUses(program, calls);
  return render([...calls.values()]);
}

if (process.argv[1] === import.meta.filename) {
  const text = callsDocument();
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error("docs/calls.md is stale: run node scripts/calls.ts");
    process.exitCode = 1;
  }
}
