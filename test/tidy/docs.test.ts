/** What the documents say that a machine can check: links, error codes, alerts, commands and their options. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { runMuster } from "@muster/cli";
import { errorCodes } from "@muster/model";
import { systemClock, systemRandom } from "@muster/runtime";
import { expect, it } from "vitest";
import { allFiles, root } from "./sources.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const documents = allFiles().filter((path) => path.endsWith(".md"));

/** As people's browsers and hosting sites make them of headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-");

const anchorsOf = (path: string): ReadonlySet<string> =>
  new Set([...read(path).matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1] ?? "")));

function brokenLinks(path: string): readonly string[] {
  const links = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? path : join(dirname(path), file);
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(target).has(anchor);
  });
}

/** First cells of the table below a heading that are code. */
function firstCells(path: string, heading: string): readonly string[] {
  const text = read(path);
  const from = text.indexOf(`\n${heading}\n`);
  expect(from, `${path} has no "${heading}"`).toBeGreaterThan(-1);
  const end = text.indexOf("\n## ", from + heading.length + 1);
  const section = text.slice(from, end === -1 ? undefined : end);
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? "");
}

async function completionScript(): Promise<string> {
  const stdout = new PassThrough();
  const chunks: Buffer[] = [];
  stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await runMuster(["completion", "bash"], {
    environment: {},
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    clock: systemClock,
    random: systemRandom,
    onInterrupt: () => () => undefined,
  });
  expect(exitCode).toBe(0);
  return Buffer.concat(chunks).toString("utf8");
}

/** Every command with its own options, from the program itself. */
async function commandsOfCli(): Promise<ReadonlyMap<string, readonly string[]>> {
  const lines = (await completionScript()).matchAll(/^ {4}"([^"]+)"\) words="([^"]*)"/gm);
  const entries = [...lines].map(([, path = "", words = ""]) => [path, words.split(" ")] as const);
  const isGroup = (path: string): boolean =>
    entries.some(([other]) => other.startsWith(`${path} `));
  return new Map(
    entries
      .filter(([path]) => !isGroup(path))
      .map(([path, words]) => [path, words.filter((word) => word.startsWith("--"))]),
  );
}

it("documents link to what is there", () => {
  const broken = documents.flatMap((path) => brokenLinks(path).map((link) => `${path}: ${link}`));
  expect(broken).toStrictEqual([]);
});

it("docs/operating.md explains every error code", () => {
  const explained = firstCells("docs/operating.md", "## Error codes");
  expect(explained.toSorted()).toStrictEqual(Object.keys(errorCodes).toSorted());
});

it("docs/operating.md says what to do about every alert", () => {
  const alerts = [...read("deploy/prometheus/alerts.yml").matchAll(/- alert: (\w+)/g)];
  const explained = firstCells("docs/operating.md", "## Metrics and alerts");
  expect(explained).toStrictEqual(alerts.map((match) => match[1]));
});

it("docs/cli.md has every command, and every option of it", async () => {
  const text = read("docs/cli.md");
  const common = text.slice(0, text.indexOf("## The cluster"));
  const sections = new Map(
    text
      .split("\n### `muster ")
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("`")), section] as const),
  );
  const commands = await commandsOfCli();
  expect([...sections.keys()].toSorted()).toStrictEqual([...commands.keys()].toSorted());
  const missing = [...commands].flatMap(([path, options]) =>
    options
      .filter((option) => !common.includes(option) && !sections.get(path)?.includes(option))
      .map((option) => `${path} ${option}`),
  );
  expect(missing).toStrictEqual([]);
});
