import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { invalid, MusterError, parseName } from "@muster/model";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseCommandLine } from "./command-line.ts";
import { readConfig, type Fields } from "./config.ts";

const readDaemon = (fields: Fields) => ({
  dataDirectory: fields.text("data-directory", { default: "/var/lib/muster" }),
  name: fields.text("name", { check: parseName }),
  label: fields.optionalText("label"),
  port: fields.integer("port", { min: 1, max: 65_535, default: 7443 }),
  overcommit: fields.number("overcommit", { min: 0.1, max: 16, default: 1 }),
  graceMs: fields.durationMs("grace", { min: 100, max: 60_000, default: 5_000 }),
  isSimulated: fields.flag("simulated", { default: false }),
  driver: fields.choice("driver", ["auto", "openvswitch"], { default: "auto" }),
  addresses: fields.textList("addresses", {
    default: [],
    check: (text, field) => {
      if (text === "bad") throw invalid(field, "bad is bad");
      return text;
    },
  }),
  metrics: fields.section("metrics", (metrics) => ({
    port: metrics.integer("port", { min: 0, max: 65_535, default: 0 }),
  })),
});

describe("configuration", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "muster-config-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const read = async (yaml: string, ...words: string[]): Promise<ReturnType<typeof readDaemon>> => {
    const path = join(directory, "config.yaml");
    await writeFile(path, yaml);
    return readConfig({ path, options: parseCommandLine(words).options }, readDaemon);
  };
  const problemsOf = async (yaml: string, ...words: string[]): Promise<readonly string[]> => {
    const failure = await read(yaml, ...words).catch((thrown: unknown) => thrown);
    if (!(failure instanceof MusterError)) throw new Error("it was accepted");
    expect(failure.code).toBe("invalid");
    return failure.reasons;
  };

  it("is complete and frozen, with the command line over the file", async () => {
    const config = await read(
      "name: h1\nport: 1000\ngrace: 2.5s\naddresses: [a, b]\nmetrics:\n  port: 9464\n",
      "--port=2000",
      "--simulated",
      "--metrics.port",
      "9000",
      "--overcommit",
      "1.5",
    );
    expect(config).toEqual({
      dataDirectory: "/var/lib/muster",
      name: "h1",
      label: undefined,
      port: 2000,
      overcommit: 1.5,
      graceMs: 2_500,
      isSimulated: true,
      driver: "auto",
      addresses: ["a", "b"],
      metrics: { port: 9000 },
    });
    expect(Object.isFrozen(config.metrics)).toBe(true);
    expect((await read("name: h1", "--addresses=x,y")).addresses).toEqual(["x", "y"]);
  });

  it("collects every problem", async () => {
    const yaml =
      "port: 70000\noverkommit: 2\ngrace: soon\nsimulated: maybe\ndriver: ovs\naddresses: [a, bad, 3]\nmetrics: {prot: 1}\nlabel: [x]\n";
    expect(await problemsOf(yaml, "--dataa-directory=/x", "--overcommit=99")).toEqual([
      "name: is required",
      'label: ["x"] is not text',
      "port: 70000 is out of range: 1 to 65535 are allowed",
      'overcommit: "99" is out of range: 0.1 to 16 are allowed',
      'grace: "soon" is not a time; write for example "30s" or "5m"',
      'simulated: "maybe" is neither true nor false',
      'driver: "ovs" is not one of auto, openvswitch',
      "addresses: bad is bad",
      "addresses: 3 is not text",
      "overkommit: there is no such field; did you mean overcommit?",
      "metrics.prot: there is no such field; did you mean port?",
      "--dataa-directory: there is no such option; did you mean --data-directory?",
    ]);
  });

  it.each([
    ["name: h1\nport: '80'", 'port: "80" is not a whole number'],
    ["name: h1\nport: 1.5", "port: 1.5 is not a whole number"],
    ["name: h1\ngrace: 1d", 'grace: "1d" is out of range: 100ms to 1m are allowed'],
    ["name: h1\nmetrics: 5", "metrics: 5 is not a section with fields"],
    ["name: h1\naddresses: a", 'addresses: "a" is not a list'],
    ["name: My Host", '"My Host" is not a name'],
  ])("refuses %j", async (yaml, problem) => {
    const problems = await problemsOf(yaml);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it.each([
    ["name: [", "is not valid YAML"],
    ["name: h1\nname: h2", "is not valid YAML"],
    ["- a", "does not consist of fields"],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefg"]
        .map(
          (key, index) =>
            `${key}: &${key} [${Array(9)
              .fill(`*${"abcdefg"[index] ?? ""}`)
              .join(",")}]`,
        )
        .join("\n")}`,
      "is not valid YAML",
    ],
  ])("refuses %#", async (yaml, problem) => {
    await expect(read(yaml)).rejects.toMatchObject({ code: "invalid" });
    await expect(read(yaml)).rejects.toThrow(problem);
  });

  it("names a file that is not there", () => {
    expect(() => readConfig({ path: "/nowhere/c.yaml" }, readDaemon)).toThrow(
      "failed to read the configuration file /nowhere/c.yaml",
    );
  });
});

describe("command line", () => {
  it("tells words from options", () => {
    const { positionals, options } = parseCommandLine([
      "join",
      "muster1.x",
      "--name",
      "h1",
      "--quiet",
      "--",
      "--rest",
    ]);
    expect(positionals).toEqual(["join", "muster1.x", "--rest"]);
    expect([...options]).toEqual([
      ["name", "h1"],
      ["quiet", true],
    ]);
  });

  it.each([["-x"], ["--Name"], ["--a=1", "--a=2"]])("refuses %s", (...words) => {
    expect(() => parseCommandLine(words)).toThrow(MusterError);
  });
});
