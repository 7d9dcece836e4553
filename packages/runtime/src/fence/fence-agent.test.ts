import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MusterError } from "@muster/model";
import { fenceRunner, withoutSecrets, type FenceOrder } from "./fence-agent.ts";

/** In the form of the distribution's: told on standard input, answers by its exit code. */
const agent = `#!/bin/sh
given=$(cat)
case $given in
  *password=wrong*) echo "login with password wrong failed" >&2; exit 1 ;;
  *plug=slow*) exec sleep 60 ;;
  *plug=3*action=status*) exit 2 ;;
  *action=off*) [ "$#" = 0 ] || { echo "arguments: $*" >&2; exit 1; } ;;
esac
`;

describe("fence agents", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "muster-fence-"));
    await writeFile(join(directory, "fence_test"), agent);
    await chmod(join(directory, "fence_test"), 0o755);
  });
  afterAll(() => rm(directory, { recursive: true }));

  const order = (action: FenceOrder["action"], parameters = {}): FenceOrder => ({
    agent: "fence_test",
    action,
    parameters: { plug: "1", password: "right", ...parameters },
  });
  const failure = async (wanted: FenceOrder, timeoutMs = 10_000): Promise<string> => {
    const error = await fenceRunner(directory, timeoutMs)
      .run(wanted)
      .catch((thrown: unknown) => thrown as MusterError);
    return error instanceof Error ? `${error.message}: ${(error.cause as Error).message}` : "none";
  };

  it("are told everything on standard input and answer by their exit code", async () => {
    const runner = fenceRunner(directory);
    expect(await runner.run(order("status"))).toStrictEqual({ power: "on" });
    expect(await runner.run(order("status", { plug: "3" }))).toStrictEqual({ power: "off" });
    expect(await runner.run(order("off"))).toStrictEqual({});
  });

  it("fail with their own words, without the secrets they were told", async () => {
    expect(await failure(order("off", { password: "wrong" }))).toBe(
      'fence_test failed to say or do "off": login with password [hidden] failed',
    );
    expect(await failure({ ...order("off"), agent: "fence_missing" })).toContain("ENOENT");
    expect(await failure(order("off", { plug: "slow" }), 200)).toContain("it was ended after 0 s");
  });

  it("may repeat what is no secret", () => {
    const said = {
      agent: "",
      action: "off",
      parameters: { ip: "192.0.2.1", passwd: "abc" },
    } as const;
    expect(withoutSecrets("192.0.2.1: abc is wrong", said)).toBe("192.0.2.1: [hidden] is wrong");
  });
});
