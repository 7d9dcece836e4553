/** `muster cluster …`: virtual clusters, a frontend and computes that are booted, listed and removed as one. */
import { invalid, parseName } from "@muster/model";
import { AdminService, VirtualClusterChange, type Operation } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderCluster, renderClusters } from "../render/virtual-cluster.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeVirtualCluster } from "../view/virtual-cluster.ts";
import { required } from "../view/required.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { addClusterBoot, addClusterGrow, parseLease } from "./cluster-boot.ts";
import { clusterOutcome, showCluster } from "./cluster-outcome.ts";
import { addClusterSettings } from "./cluster-settings.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, countOf, durationOf, example } from "./flags.ts";
import type { Run } from "./run.ts";

interface StopOptions extends ChangeOptions, WaitOptions {
  /** Milliseconds. */
  readonly grace?: number;
  readonly force?: boolean;
}

interface ShrinkOptions extends StopOptions {
  readonly nodes?: number;
}

interface LeaseOptions extends ChangeOptions {
  readonly warn?: number;
}

export function addClusterCommands(program: Command, run: Run): void {
  const cluster = program
    .command("cluster")
    .description("virtual clusters: a frontend and computes as one (the hosts: muster status)");
  addClusterBoot(cluster, run);
  addLook(cluster, run);
  addClusterGrow(cluster, run);
  addShrink(cluster, run);
  addChanges(cluster, run);
  addLease(cluster, run);
  addClusterSettings(cluster, run);
}

function addLook(cluster: Command, run: Run): void {
  cluster
    .command("ls")
    .description("list virtual clusters")
    .addHelpText("after", example("muster cluster ls"))
    .action((_options, command: Command) => run(command, listClusters));
  cluster
    .command("show")
    .argument("<cluster>", "name")
    .description("show a virtual cluster and its members")
    .addHelpText("after", example("muster cluster show pc-171"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => show(session, name)),
    );
}

const addStopFlags = (command: Command): Command =>
  command
    .option("--grace <duration>", "how long guests get (default: 2m)", durationOf("--grace"))
    .option("--force", "pull the plug of guests that do not shut down in that time");

function addShrink(cluster: Command, run: Run): void {
  addStopFlags(addWaitFlags(addChangeFlags(cluster.command("shrink"))))
    .argument("<cluster>", "name")
    .argument("[computes...]", "these, by their names inside: compute-3")
    .description("shut computes down and remove them with their disks")
    .option("--nodes <n>", "so many, the newest first", countOf("--nodes"))
    .addHelpText(
      "after",
      example("muster cluster shrink pc-171 --nodes 2", "muster cluster shrink pc-171 compute-1"),
    )
    .action((name: string, members: string[], options: ShrinkOptions, command: Command) =>
      run(command, (session) => shrink(session, { name, members }, options)),
    );
}

function addChanges(cluster: Command, run: Run): void {
  addStopFlags(addWaitFlags(addChangeFlags(cluster.command("shutdown"))))
    .argument("<cluster>", "name")
    .description("shut the computes down, then the frontend; everything is kept")
    .addHelpText("after", example("muster cluster shutdown pc-171"))
    .action((name: string, options: StopOptions, command: Command) =>
      run(command, (session) => change(session, VirtualClusterChange.SHUTDOWN, { name, options })),
    );
  addWaitFlags(addChangeFlags(cluster.command("start")))
    .argument("<cluster>", "name")
    .description("start the frontend, then the computes")
    .addHelpText("after", example("muster cluster start pc-171"))
    .action((name: string, options: StopOptions, command: Command) =>
      run(command, (session) => change(session, VirtualClusterChange.START, { name, options })),
    );
  addWaitFlags(addChangeFlags(cluster.command("clean")))
    .argument("<cluster>", "name")
    .description("remove a cluster that is shut down: disks, addresses, VLAN")
    .addHelpText("after", example("muster cluster clean pc-171"))
    .action((name: string, options: StopOptions, command: Command) =>
      run(command, (session) => change(session, VirtualClusterChange.CLEAN, { name, options })),
    );
}

function addLease(cluster: Command, run: Run): void {
  addChangeFlags(cluster.command("lease"))
    .argument("<cluster>", "name")
    .argument("[duration]", 'from now: 8h, 30d, or "none" for without end; left out: show it')
    .description("until when a cluster is kept; then it is shut down and cleaned")
    .option("--warn <duration>", "tell so long before that", durationOf("--warn"))
    .addHelpText("after", example("muster cluster lease pc-171", "muster cluster lease pc-171 8h"))
    .action((name: string, until: string | undefined, options: LeaseOptions, command: Command) =>
      run(command, (session) => lease(session, { name, until }, options)),
    );
}

async function listClusters({ admin, output, surroundings }: Session): Promise<ExitCode> {
  const { clusters } = await admin.call(AdminService.listVirtualClusters, {
    doing: "list virtual clusters",
    request: { name: "" },
  });
  const views = clusters.map(decodeVirtualCluster);
  output.show({
    data: views,
    names: views.map(({ name }) => name),
    table: (paint) => renderClusters(views, surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}

async function show(session: Session, name: string): Promise<ExitCode> {
  const cluster = await showCluster(session, parseName(name, "cluster"));
  const now = session.surroundings.clock.wall();
  session.output.show({
    data: cluster,
    names: [cluster.name],
    table: (paint) => renderCluster(cluster, now, paint),
  });
  return exitCodes.ok;
}

interface Begun {
  readonly operation: Operation | undefined;
  readonly plan: readonly string[];
}

async function change(
  session: Session,
  wanted: VirtualClusterChange,
  { name, options }: { readonly name: string; readonly options: StopOptions },
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.changeVirtualCluster, {
    doing: `change virtual cluster ${name}`,
    request: {
      name: parseName(name, "cluster"),
      change: wanted,
      graceMs: options.grace ?? 0,
      force: options.force ?? false,
      why: whyOf(options, session),
    },
  });
  const isGone = wanted === VirtualClusterChange.CLEAN;
  const gone = { sentence: `virtual cluster ${name} is removed`, data: { name } };
  return finish(session, answer, {
    options,
    outcome: () => (isGone ? Promise.resolve(gone) : clusterOutcome(session, name)),
  });
}

const finish = (
  session: Session,
  { operation, plan }: Begun,
  {
    options,
    outcome,
  }: {
    readonly options: StopOptions;
    readonly outcome: Parameters<typeof finishOperation>[1]["outcome"];
  },
): Promise<ExitCode> | ExitCode =>
  options.dryRun === true
    ? showDryRun(session, plan, { plan })
    : finishOperation(session, { operation, options, data: { plan }, outcome });

async function shrink(
  session: Session,
  { name, members }: { readonly name: string; readonly members: readonly string[] },
  options: ShrinkOptions,
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.shrinkVirtualCluster, {
    doing: `shrink virtual cluster ${name}`,
    request: {
      name: parseName(name, "cluster"),
      computes: options.nodes ?? 0,
      members: [...members],
      graceMs: options.grace ?? 0,
      force: options.force ?? false,
      why: whyOf(options, session),
    },
  });
  return finish(session, answer, { options, outcome: () => clusterOutcome(session, name) });
}

async function lease(
  session: Session,
  { name, until }: { readonly name: string; readonly until: string | undefined },
  options: LeaseOptions,
): Promise<ExitCode> {
  const now = session.surroundings.clock.wall();
  if (until === undefined) {
    if (options.warn !== undefined) throw invalid("duration", "is required with --warn");
    const cluster = await showCluster(session, parseName(name, "cluster"));
    return showLease(session, cluster.leaseEndsAt, { name, now });
  }
  const answer = await callChange(session, AdminService.setVirtualClusterLease, {
    doing: `set the lease of virtual cluster ${name}`,
    request: {
      name: parseName(name, "cluster"),
      seconds: until === "none" ? 0 : parseLease(until),
      warnSeconds: options.warn === undefined ? 0 : Math.ceil(options.warn / 1_000),
      why: whyOf(options, session),
    },
  });
  const { leaseEndsAt } = required(answer.cluster, "cluster");
  if (options.dryRun === true) {
    const text = leaseEndsAt === "" ? "would be without end" : `would end ${leaseEndsAt}`;
    return showDryRun(session, [`the lease of ${name} ${text}`], { name, leaseEndsAt });
  }
  return showLease(session, leaseEndsAt, { name, now });
}

function showLease(
  { output }: Session,
  leaseEndsAt: string,
  { name, now }: { readonly name: string; readonly now: Date },
): ExitCode {
  const left = Date.parse(leaseEndsAt) - now.getTime();
  const text = leaseEndsAt === "" ? "is without end" : left < 0 ? "is over" : `ends ${leaseEndsAt}`;
  output.show({
    data: { name, leaseEndsAt },
    names: [name],
    table: () => `the lease of ${name} ${text}\n`,
  });
  return exitCodes.ok;
}
