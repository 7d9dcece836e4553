/** `muster-coordinator run`: everything the daemon owns, in the order it starts; it stops in reverse. */
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { listenLocal, listenTls, systemClock, systemRandom, type Logger } from "@muster/runtime";
import { adminService } from "../api/admin-service.ts";
import { dispatchService } from "../api/dispatch-service.ts";
import { enrolmentService } from "../api/enrolment-service.ts";
import { Gatekeeper } from "../api/gatekeeper.ts";
import type { ApiParts } from "../api/parts.ts";
import { Authority } from "../authority/authority.ts";
import { keepServerCertificate } from "../authority/server-certificate.ts";
import { Coordinator } from "../coordinator.ts";
import { QuestionThreads } from "../plans/question-threads.ts";
import { lockDirectory } from "../store/directory-lock.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import { VERSION } from "../version.ts";
import type { CoordinatorConfig } from "./config.ts";
import { serveMetrics } from "./metrics-listener.ts";

/** A call that is still running when the coordinator stops gets this long. */
const DRAIN_MS = 1_000;

export interface Daemon extends AsyncDisposable {
  readonly coordinator: Coordinator;
  /** Where agents and remote people are served. */
  readonly address: string;
}

/** @param parts.entry the program's own file, run again for every thread of the planner. */
export async function runCoordinator(
  config: CoordinatorConfig,
  parts: { readonly log: Logger; readonly entry: URL },
): Promise<Daemon> {
  const stack = new AsyncDisposableStack();
  try {
    const started = await start(config, parts, stack);
    return { ...started, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(
  config: CoordinatorConfig,
  { log, entry }: { readonly log: Logger; readonly entry: URL },
  stack: AsyncDisposableStack,
): Promise<Pick<Daemon, "coordinator" | "address">> {
  const clock = systemClock;
  const random = systemRandom;
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  stack.use(lockDirectory(config.dataDirectory));
  const store = stack.use(SqliteStore.open(join(config.dataDirectory, "state.sqlite")));
  const threads = stack.use(new QuestionThreads({ entry, clock }));
  const parts = { store, clock, random, log, questions: threads, ...config };
  const coordinator = await Coordinator.open(parts);
  stack.defer(() => coordinator.stop());
  const clusterId = coordinator.ledger.view.cluster.id;
  const authority = await Authority.open({
    dataDirectory: config.dataDirectory,
    clusterId,
    clock,
    random,
    lives: { hostMs: config.hostCertificateMs },
  });
  const gatekeeper = new Gatekeeper({ authority, ledger: coordinator.ledger, clock });
  const names = serverNames(config);
  const identity = await authority.issueServer(names);
  coordinator.start();

  const { ledger, events } = coordinator;
  const metrics = stack.use(await serveMetrics({ config, coordinator, gatekeeper, identity, log }));
  const api: ApiParts = {
    ...partsOf(coordinator),
    questions: threads,
    clock,
    random,
    log,
    capacity: config.capacity,
    migrationTls: config.migrationTls,
    about: {
      version: VERSION,
      agentAddresses: config.agentAddresses,
      authorityFingerprint: authority.fingerprint,
      metricsAddress: metrics.address,
    },
    operatorOf: (context) => gatekeeper.operatorOf(context),
  };
  const admin = adminService(api, coordinator.commands);
  const local = await listenLocal({ path: config.socketPath, services: [admin], logger: log });
  stack.defer(() => local.close());
  const enrolment = enrolmentService({ ledger, authority, gatekeeper, events, clock, random, log });
  const tls = await listenTls({
    ...config.listen,
    identity,
    services: [admin, enrolment, dispatchService(coordinator, gatekeeper)],
    logger: log,
  });
  stack.defer(() => tls.drain(DRAIN_MS));
  keepCertificate({ authority, names, log, stack, first: identity, use: [tls, metrics] });
  log.info(
    { version: VERSION, clusterId, address: tls.address, socket: local.address },
    "coordinator ready",
  );
  return { coordinator, address: tls.address };
}

/** What of the coordinator the API works on. */
const partsOf = (coordinator: Coordinator) => {
  const { ledger, observations, runner, events, consoles, snapshots, rebalancer } = coordinator;
  return { ledger, observations, runner, events, consoles, snapshots, rebalancer };
};

interface KeepParts {
  readonly authority: Authority;
  readonly names: readonly string[];
  readonly log: Logger;
  readonly stack: AsyncDisposableStack;
  readonly first: Awaited<ReturnType<Authority["issueServer"]>>;
  readonly use: readonly { useIdentity(identity: KeepParts["first"]): void }[];
}

function keepCertificate({ authority, names, log, stack, first, use }: KeepParts): void {
  const stop = new AbortController();
  const keeping = keepServerCertificate(
    {
      first,
      issue: () => authority.issueServer(names),
      use: (renewed) => {
        for (const listener of use) listener.useIdentity(renewed);
      },
      clock: systemClock,
      log,
    },
    stop.signal,
  );
  stack.defer(async () => {
    stop.abort(new Error("the coordinator stops"));
    await keeping;
  });
}

/** Host names and addresses the coordinator's certificate is good for. */
function serverNames(config: CoordinatorConfig): readonly string[] {
  const dialled = config.agentAddresses.map((address) =>
    new URL(address).hostname.replace(/^\[|\]$/g, ""),
  );
  return [...new Set([hostname(), "localhost", "127.0.0.1", "::1", ...dialled])];
}
