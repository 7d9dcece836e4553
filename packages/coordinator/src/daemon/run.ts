/** `muster-coordinator run`: everything the daemon owns, in the order it starts; it stops in reverse. */
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { MusterError } from "@muster/model";
import {
  fenceRunner,
  listenLocal,
  listenTls,
  systemClock,
  systemRandom,
  type Logger,
} from "@muster/runtime";
import { adminService } from "../api/admin-service.ts";
import { dispatchService } from "../api/dispatch-service.ts";
import { enrolmentService } from "../api/enrolment-service.ts";
import { Gatekeeper } from "../api/gatekeeper.ts";
import type { CoordinatorsParts } from "../api/coordinators.ts";
import { guardStandby } from "../api/standby-guard.ts";
import type { Authority } from "../authority/authority.ts";
import { keepServerCertificate } from "../authority/server-certificate.ts";
import { ensureAuthority, openAuthority } from "../authority/shared-authority.ts";
import type { Coordinator } from "../coordinator.ts";
import { sealOf } from "../ha/fence-seal.ts";
import { QuestionThreads } from "../plans/question-threads.ts";
import { CoordinatorMember } from "../roles/member.ts";
import type { Store } from "../store/store.ts";
import { VERSION } from "../version.ts";
import type { CoordinatorConfig } from "./config.ts";
import { serveMetrics } from "./metrics-listener.ts";
import { openStore } from "./open-store.ts";
import { systemReverseNames } from "./system-reverse-names.ts";

/** A call that is still running when the coordinator stops gets this long. */
const DRAIN_MS = 1_000;

export interface Daemon extends AsyncDisposable {
  readonly coordinator: Coordinator;
  /** Where agents and remote people are served. */
  readonly address: string;
  /** Resolves when it no longer leads: the process ends, and begins anew as a standby. */
  readonly over: Promise<Error>;
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
): Promise<Pick<Daemon, "coordinator" | "address" | "over">> {
  const clock = systemClock;
  const random = systemRandom;
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  const threads = stack.use(new QuestionThreads({ entry, clock }));
  const { member, store, authority, over } = await takePart(config, { log, threads }, stack);
  const { coordinator } = member;
  const { capacity } = config;
  const clusterId = coordinator.ledger.view.cluster.id;
  const gatekeeper = new Gatekeeper({ authority, ledger: coordinator.ledger, clock });
  const names = serverNames(config);
  const identity = await authority.issueServer(names);

  const { ledger, events } = coordinator;
  const metrics = stack.use(await serveMetrics({ config, coordinator, gatekeeper, identity, log }));
  const api: CoordinatorsParts = {
    member,
    store,
    ...partsOf(coordinator),
    questions: threads,
    clock,
    random,
    log,
    capacity,
    migrationTls: config.migrationTls,
    about: {
      version: VERSION,
      agentAddresses: config.agentAddresses,
      authorityFingerprint: authority.fingerprint,
      metricsAddress: metrics.address,
    },
    operatorOf: (context) => gatekeeper.operatorOf(context),
  };
  const { commands, fencing, haParts: ha, audit, contexts, keyRing } = coordinator;
  const help = {
    commands,
    fencing,
    ha,
    audit,
    contexts,
    keyRing,
    reverseNames: systemReverseNames(clock),
  };
  const admin = guardStandby(adminService(api, help), { ledger, ageMs: () => member.ageMs });
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
    {
      ...{ version: VERSION, clusterId, address: tls.address, socket: local.address },
      ...{ name: config.name, role: member.role },
    },
    "coordinator ready",
  );
  return { coordinator, address: tls.address, over };
}

interface Part {
  readonly member: CoordinatorMember;
  readonly store: Store;
  readonly authority: Authority;
  readonly over: Promise<Error>;
}

/** A member of the cluster, leader or standby, that can show who it is. */
async function takePart(
  config: CoordinatorConfig,
  { log, threads }: { readonly log: Logger; readonly threads: QuestionThreads },
  stack: AsyncDisposableStack,
): Promise<Part> {
  const [clock, random] = [systemClock, systemRandom];
  const store = await openStore(config, stack);
  const options = {
    dataDirectory: config.dataDirectory,
    clock,
    random,
    lives: { hostMs: config.hostCertificateMs },
  };
  const place = config.authority;
  let authority: Authority | undefined;
  const seal = sealOf(() => {
    if (authority === undefined) throw new MusterError("internal", "the authority is not open yet");
    return authority;
  }, random);
  const member = await CoordinatorMember.open({
    ...{ store, clock, random, log, questions: threads },
    ...{ times: config.times, capacity: config.capacity, migrationTls: config.migrationTls },
    auditRetention: config.audit,
    ...{ ha: config.ha, fencing: { runner: fenceRunner(config.fenceAgentsDirectory), seal } },
    self: { name: config.name, version: VERSION, addresses: config.agentAddresses },
    beforeLeading: async (ledger) => {
      await ensureAuthority({ ledger, place, options });
      authority ??= await openAuthority({ ledger, place, options });
    },
  });
  stack.defer(() => member.stop());
  const over = member.run();
  await servable(member, over, log);
  const { ledger } = member.coordinator;
  authority ??= await openAuthority({ ledger, place, options });
  return { member, store, authority, over };
}

/** A first coordinator leads before it serves; a further one needs what the first has made. */
async function servable(
  member: CoordinatorMember,
  over: Promise<Error>,
  log: Logger,
): Promise<void> {
  const { ledger } = member.coordinator;
  const isServable = (): boolean => ledger.view.authority !== undefined;
  if (!isServable()) log.info({ name: member.self.name }, "waiting for a leader of this cluster");
  const stop = new AbortController();
  const ended = over.then((error) => {
    throw error;
  });
  await Promise.race([member.until(isServable, stop.signal), ended]).finally(() => {
    stop.abort(new Error("no longer waiting"));
  });
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
