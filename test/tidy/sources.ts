/** The files of the project and what they import, as data for the checks in tidy.test.ts. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

export const root = join(import.meta.dirname, "../..");

export interface ImportLink {
  /** As written. */
  readonly specifier: string;
  /** Repository path for relative imports, otherwise the specifier. */
  readonly target: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

export interface LongFunction {
  readonly name: string;
  readonly lines: number;
}

export interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The same length, comments blanked out. */
  readonly code: string;
  readonly imports: readonly ImportLink[];
  readonly functions: readonly LongFunction[];
}

const skippedDirectories = new Set(["node_modules", ".git", "dist", "coverage", ".muster"]);

/** Every file below the root, generated ones too. */
export function allFiles(): string[] {
  const found: string[] = [];
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!skippedDirectories.has(entry.name)) visit(path);
      } else if (entry.isFile()) {
        found.push(relative(root, path));
      }
    }
  };
  visit(root);
  return found.toSorted();
}

export const isGenerated = (path: string): boolean =>
  path.startsWith("proto/gen/") || /(^|\/)generated\//.test(path);

/** Tests, and what only tests use: `x-contract.ts` is the suite every implementation of a port passes. */
export const isTest = (path: string): boolean =>
  /(\.test|-contract)\.ts$/.test(path) ||
  /\/(testing|test)\//.test(path) ||
  path.startsWith("test/");

/** Code that ships in a package. */
export const isShipped = (path: string): boolean =>
  /^packages\/[^/]+\/src\//.test(path) && !isTest(path);

function withoutComments(text: string): string {
  const scanner = ts.createScanner(
    ts.ScriptTarget.ESNext,
    false,
    ts.LanguageVariant.Standard,
    text,
  );
  const pieces: string[] = [];
  // A template's later parts need the parser's help; the scanner alone reads "}" there as punctuation.
  const templateDepths: number[] = [];
  let braces = 0;
  for (;;) {
    let token = scanner.scan();
    if (token === ts.SyntaxKind.EndOfFileToken) return pieces.join("");
    if (token === ts.SyntaxKind.OpenBraceToken) braces += 1;
    if (token === ts.SyntaxKind.TemplateHead) templateDepths.push(braces);
    if (token === ts.SyntaxKind.CloseBraceToken) {
      if (templateDepths.at(-1) === braces) {
        token = scanner.reScanTemplateToken(false);
        if (token === ts.SyntaxKind.TemplateTail) templateDepths.pop();
      } else {
        braces -= 1;
      }
    }
    const isComment =
      token === ts.SyntaxKind.SingleLineCommentTrivia ||
      token === ts.SyntaxKind.MultiLineCommentTrivia;
    const piece = scanner.getTokenText();
    pieces.push(isComment ? piece.replaceAll(/[^\n]/g, " ") : piece);
  }
}

/** `import x`, `export … from`, `import()` and `new URL("./x.ts", import.meta.url)`. */
function specifierOf(node: ts.Node): { text: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.importClause;
    const named = clause?.namedBindings;
    const allTypes =
      named !== undefined &&
      ts.isNamedImports(named) &&
      named.elements.length > 0 &&
      named.elements.every((element) => element.isTypeOnly);
    const typeOnly = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || allTypes;
    return { text: node.moduleSpecifier.text, typeOnly };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const { moduleSpecifier } = node;
    return ts.isStringLiteral(moduleSpecifier)
      ? { text: moduleSpecifier.text, typeOnly: node.isTypeOnly }
      : undefined;
  }
  const argument =
    ts.isCallExpression(node) || ts.isNewExpression(node) ? node.arguments?.[0] : undefined;
  if (argument === undefined || !ts.isStringLiteral(argument)) return undefined;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { text: argument.text, typeOnly: false };
  }
  const isUrl = ts.isNewExpression(node) && node.expression.getText() === "URL";
  return isUrl && /^\.{1,2}\/.*\.ts$/.test(argument.text)
    ? { text: argument.text, typeOnly: false }
    : undefined;
}

function functionOf(node: ts.Node, file: ts.SourceFile): LongFunction | undefined {
  if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return undefined;
  const start = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
  const end = file.getLineAndCharacterOfPosition(node.end).line;
  const name = node.name?.getText(file) ?? `function at line ${String(start + 1)}`;
  return { name, lines: end - start + 1 };
}

function inspect(path: string, text: string): Pick<SourceFile, "imports" | "functions"> {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const imports: ImportLink[] = [];
  const functions: LongFunction[] = [];
  const visit = (node: ts.Node): void => {
    const found = specifierOf(node);
    if (found !== undefined) {
      const isRelative = found.text.startsWith(".");
      const target = isRelative ? join(dirname(path), found.text) : found.text;
      imports.push({ specifier: found.text, target, typeOnly: found.typeOnly });
    }
    const described = functionOf(node, file);
    if (described !== undefined) functions.push(described);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { imports, functions };
}

/** Every TypeScript file that people write. */
export function loadSources(): SourceFile[] {
  return allFiles()
    .filter((path) => path.endsWith(".ts") && !isGenerated(path))
    .map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      return { path, text, code: withoutComments(text), ...inspect(path, text) };
    });
}
