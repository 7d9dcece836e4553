/** Who is let in, who is not, and that a refusal says why and leaves nothing. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import type { CommandResult } from "./lab.ts";

interface Invitation {
  readonly joinString: string;
  readonly expiresAt: string;
}

interface ListedHost {
  readonly name: string;
  readonly state: string;
  readonly certificateExpiresAt: string;
}

const COORDINATOR = "https://10.99.0.250:7443";

describe("the doors of a cluster", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.up({
      hosts: 2,
      directory: "/tmp/muster-doors",
      coordinatorOptions: { "certificates.host-life": "1m" },
    });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const invite = (name: string, ...more: readonly string[]): Promise<Invitation> =>
    cluster.muster.json(["host", "invite", name, ...more]);

  const join2 = (input: string): Promise<CommandResult> =>
    cluster.lab
      .host("h2")
      .exec(
        cluster.program("muster-agent", "join", "-", "--data-directory", "/srv/local/muster-agent"),
        { input, check: false },
      );

  const hosts = (): Promise<readonly ListedHost[]> => cluster.muster.json(["host", "ls"]);
  const leftInH2 = async (): Promise<readonly string[]> =>
    existsSync(cluster.muster.agentDirectory("h2"))
      ? readdir(cluster.muster.agentDirectory("h2"))
      : [];

  const openssl = (...words: readonly string[]) =>
    cluster.lab.control.exec(["openssl", ...words], { cwd: cluster.muster.dataDirectory });

  it("expunges a removed host", async () => {
    const { exitCode, stderr } = await cluster.muster.muster(["host", "remove", "h2"]);
    expect(exitCode, stderr).toBe(0);
    expect((await hosts()).map(({ name }) => name)).toEqual(["h1"]);
    const log = cluster.muster.agent("h2").logFile;
    await cluster.muster.eventually(
      10_000,
      async () => (await readFile(log, "utf8")).includes("the host was removed from the cluster"),
      "the agent to be told",
    );
    await cluster.killAgent("h2");
    const leave = cluster.program("muster-agent", "leave");
    const place = ["--data-directory", "/srv/local/muster-agent"];
    await cluster.lab.host("h2").exec([...leave, ...place]);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ["damaged", async () => (await invite("h2")).joinString.slice(0, -3), /join string/],
    ["another host's", async () => (await invite("h7")).joinString, /h7/],
    [
      "expired",
      async () => {
        const { joinString, expiresAt } = await invite("h2", "--valid", "1s");
        const isOver = (): Promise<boolean> =>
          Promise.resolve(Date.now() > Date.parse(expiresAt) + 100);
        await cluster.muster.eventually(5_000, isOver, "its end");
        return joinString;
      },
      /expired/,
    ],
  ])("refuses a join string that is %s, and leaves nothing", async (_what, make, reason) => {
    const { exitCode, stderr } = await join2(await make());
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(reason);
    expect(await leftInH2()).toEqual([]);
  });

  it("takes the machine back as a new host, by a string that works once", async () => {
    const { joinString } = await invite("h2");
    expect((await join2(joinString)).stderr).toBe("");
    await cluster.muster.startAgent("h2");
    await cluster.muster.waitForHosts();
    await cluster.killAgent("h2");
    expect((await cluster.muster.muster(["host", "remove", "h2"])).exitCode).toBe(0);
    const leave = cluster.program("muster-agent", "leave");
    const place = ["--data-directory", "/srv/local/muster-agent"];
    await cluster.lab.host("h2").exec([...leave, ...place]);
    const again = await join2(joinString);
    expect(again.exitCode).not.toBe(0);
    expect(again.stderr).toMatch(/used/);
    expect(await leftInH2()).toEqual([]);
  });

  it("answers a peer that speaks HTTP/1 in the clear", async () => {
    const ask = `fetch("http://10.99.0.250:7443/").then(async (r) => console.log(r.status, await r.text()))`;
    const { stdout } = await cluster.lab.control.exec([process.execPath, "-e", ask]);
    expect(stdout).toMatch(/^400 .*TLS/);
  });

  it("refuses a certificate of another authority, and takes its own", async () => {
    const directory = join(cluster.muster.dataDirectory, "operator");
    const data = join(cluster.muster.dataDirectory, "coordinator");
    await cluster.lab.control.exec(
      cluster.program(
        ...(["muster-coordinator", "certificate", "anna", directory] as const),
        ...(["--data-directory", data] as const),
      ),
    );
    const list = (): Promise<CommandResult> =>
      cluster.lab.control.exec(
        cluster.program(
          ...(["muster", "--coordinator", COORDINATOR, "--identity", directory] as const),
          ...(["host", "ls"] as const),
        ),
        { check: false },
      );
    const own = await list();
    expect(own.exitCode, own.stderr).toBe(0);
    await openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", `${directory}/key.pem`, "-out", `${directory}/certificate.pem`],
      ...["-subj", "/O=operator/CN=anna", "-days", "1"],
    );
    const foreign = await list();
    expect(foreign.exitCode).toBe(9);
    expect(foreign.stderr).toMatch(/another authority/);
  });

  it("refuses a message of 100 MB, and loses nothing", async () => {
    const name = "x".repeat(100_000_000);
    await expect(cluster.createVm({ name })).rejects.toMatchObject({ code: "limit-exceeded" });
    expect((await hosts()).map(({ state }) => state)).toEqual(["online"]);
  });

  it("renews a host's certificate, even one that expired while the host was off", async () => {
    await cluster.killAgent("h1");
    const before = (await hosts())[0]?.certificateExpiresAt ?? "";
    const isOver = (): Promise<boolean> => Promise.resolve(Date.now() > Date.parse(before));
    await cluster.muster.eventually(70_000, isOver, "the end of the certificate");
    await cluster.muster.startAgent("h1");
    await cluster.muster.eventually(
      10_000,
      async () => (await hosts())[0]?.state === "online",
      "the host online",
    );
    const after = (await hosts())[0]?.certificateExpiresAt ?? "";
    expect(Date.parse(after)).toBeGreaterThan(Date.parse(before));
  });
});
