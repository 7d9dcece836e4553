/** What contract tests share: a private daemon for a whole file, or a loud reason for skipping. */
import { afterAll, beforeAll, beforeEach, type TestContext } from "vitest";
import { connect, type Hypervisor } from "../src/index.ts";
import { installationUnderTest } from "./installation.ts";
import { PrivateLibvirtd, whyNoLibvirtd, type LibvirtdOptions } from "./private-libvirtd.ts";

export interface Contract {
  readonly daemon: PrivateLibvirtd;
  readonly hypervisor: Hypervisor;
}

/** Starts a daemon before the file's tests and opens `uri` on it. */
export function useLibvirtd(uri: string, options: LibvirtdOptions = {}): () => Contract {
  const missing = whyNoLibvirtd();
  const installation = installationUnderTest();
  let contract: Contract | undefined;
  beforeAll(async () => {
    if (missing !== null) return;
    const daemon = await PrivateLibvirtd.start({ installation, ...options });
    const hypervisor = await connect({ socketPath: daemon.socketPath, uri });
    contract = { daemon, hypervisor };
  });
  beforeEach((context: TestContext) => {
    if (missing === null) return;
    console.warn(`SKIPPED against real libvirt: ${missing}`);
    context.skip(missing);
  });
  afterAll(async () => {
    await contract?.hypervisor.close();
    await contract?.daemon[Symbol.asyncDispose]();
  });
  return () => {
    if (!contract) throw new Error("the daemon is not running");
    return contract;
  };
}

export const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
