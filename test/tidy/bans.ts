/** What may not be written, and what to write instead. */
import { homedir } from "node:os";
import { isShipped, isTest, root } from "./sources.ts";

export interface Ban {
  readonly name: string;
  readonly pattern: RegExp;
  /** The replacement. */
  readonly use: string;
  /** Whether the ban holds for a file. */
  readonly within: (path: string) => boolean;
  /** True: comments count too. */
  readonly alsoInComments?: boolean;
  /** Something it forbids: keeps the pattern itself true. */
  readonly example: string;
}

const everywhere = (): boolean => true;

/** node-libvirt stands alone, so it keeps time itself; runtime is where clocks and chance live. */
const mustTakeTime = (path: string): boolean =>
  isShipped(path) && !path.startsWith("packages/runtime/") && !path.startsWith("packages/libvirt/");

const isDaemon = (path: string): boolean => isShipped(path) && !path.startsWith("packages/cli/");

export const bans: readonly Ban[] = [
  {
    name: "Date.now()",
    example: "Date.now()",
    pattern: /\bDate\.now\(/,
    use: "the Clock you were given",
    within: mustTakeTime,
  },
  {
    name: "new Date()",
    example: "new Date()",
    pattern: /\bnew Date\(\)/,
    use: "clock.wall()",
    within: mustTakeTime,
  },
  {
    name: "performance.now()",
    example: "performance.now()",
    pattern: /\bperformance\.now\(/,
    use: "clock.now()",
    within: mustTakeTime,
  },
  {
    name: "timers",
    example: "setTimeout(f, 1)",
    pattern: /\bset(Timeout|Interval)\(|node:timers/,
    use: "clock.sleep(), or a Loop",
    within: mustTakeTime,
  },
  {
    name: "chance",
    example: "randomUUID()",
    pattern: /\bMath\.random\(|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/,
    use: "the Random you were given",
    within: mustTakeTime,
  },
  {
    name: "default export",
    example: "export default 1;",
    pattern: /^export default\b/m,
    use: "a named export",
    within: (path) => !path.endsWith(".config.ts"),
  },
  {
    name: "export *",
    example: 'export * from "./x.ts";',
    pattern: /^export \*/m,
    use: "the names, one by one",
    within: everywhere,
  },
  {
    name: "enum",
    example: "export enum State {",
    pattern: /^(export )?(const )?enum \w/m,
    use: "a union of strings",
    within: everywhere,
  },
  {
    name: "a note to self",
    example: "// TODO later",
    pattern: /\b(TODO|FIXME|XXX|HACK)\b/,
    use: "an issue, or the work itself",
    within: everywhere,
    alsoInComments: true,
  },
  {
    name: "a silenced compiler",
    example: "// @ts-ignore",
    pattern: /@ts-(ignore|expect-error|nocheck)/,
    use: "a type that is true",
    within: everywhere,
    alsoInComments: true,
  },
  {
    name: "any",
    example: "value as any",
    pattern: /(:|\bas|<|,)\s*any\b|\bas unknown as\b/,
    use: "unknown and a parser",
    within: everywhere,
  },
  {
    name: "a swallowed error",
    example: "catch (error) {}",
    pattern: /\bcatch\s*(\([^)]*\))?\s*\{\s*\}|\.catch\(\(\) => (\{\s*\}|undefined)\)/,
    use: "handling it, or letting it pass",
    within: everywhere,
  },
  {
    name: "console in a daemon",
    example: "console.log(1)",
    pattern: /\bconsole\.(log|info|warn|error|debug|trace|dir|table)\(/,
    use: "the Log you were given",
    within: isDaemon,
  },
  {
    name: "process.exit in a library",
    example: "process.exit(1)",
    pattern: /\bprocess\.exit\(/,
    use: "an error that main.ts turns into an exit code",
    within: (path) => isShipped(path) && !path.endsWith("/main.ts"),
  },
  {
    name: "a test that runs alone",
    example: "it.only(",
    pattern: /\b(it|test|describe)\.only\(/,
    use: "the whole suite",
    within: isTest,
  },
  {
    name: "a mock",
    example: "vi.fn()",
    pattern: /\bvi\.(mock|fn|spyOn)\(/,
    use: "the port's simulated implementation",
    within: everywhere,
  },
];

/** In any text file. */
export const textBans: readonly Pick<Ban, "name" | "pattern" | "use" | "example">[] = [
  {
    name: "a path of the machine it was built on",
    example: `${root}/x`,
    pattern: new RegExp(
      [root, homedir().length > "/root".length ? `${homedir()}/` : "/(home|Users)/[a-z]+/"].join(
        "|",
      ),
    ),
    use: "a path from the project's root",
  },
  {
    name: "where packages are fetched from",
    example: "registry = https://example.org",
    pattern:
      /^\s*(@[\w-]+:)?registry\s*=|_authToken|\b(index-url|GOPROXY)\s*=|https?:\/\/[\w.-]*(registry|artifactory|nexus|mirror)/im,
    use: "nothing: that is each site's own choice",
  },
  {
    name: "a merge left half way",
    example: "<<<<<<< ours",
    pattern: /^(<{7}|>{7}) /m,
    use: "one side or the other",
  },
];
