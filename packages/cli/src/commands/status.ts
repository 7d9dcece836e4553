import { MusterError } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { VERSION } from "../version.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderCluster, summarize, summarizeHa, type ClusterView } from "../render/cluster.ts";
import { renderLines } from "../render/operation.ts";
import type { Session } from "../session.ts";
import { decodeHa } from "../view/ha.ts";
import { decodeHost } from "../view/host.ts";
import { decodeOperation } from "../view/operation.ts";
import { decodeVm } from "../view/vm.ts";
import { example } from "./flags.ts";
import type { Run } from "./run.ts";

export function addStatusCommands(program: Command, run: Run): void {
  program
    .command("status")
    .description("the cluster at a glance")
    .addHelpText("after", example("muster status"))
    .action((_options, command: Command) => run(command, showStatus));
  program
    .command("version")
    .description("versions of this program and of the coordinator")
    .addHelpText("after", example("muster version"))
    .action((_options, command: Command) => run(command, showVersion));
}

async function showStatus({ admin, output, surroundings }: Session): Promise<ExitCode> {
  const request = { active: true, subject: "", limit: 0 };
  const [summary, hosts, vms, operations, ha] = await Promise.all([
    admin.call(AdminService.getCluster, { doing: "show the cluster", request: {} }),
    admin.call(AdminService.listHosts, { doing: "list hosts", request: {} }),
    admin.call(AdminService.listVms, {
      doing: "list VMs",
      request: { includeWild: true, host: "" },
    }),
    admin.call(AdminService.listOperations, { doing: "list operations", request }),
    admin.call(AdminService.getHa, { doing: "show high availability", request: {} }),
  ]);
  const { clusterId, version, authorityFingerprint, agentAddresses, metricsAddress } = summary;
  const cluster: ClusterView = {
    clusterId,
    version,
    coordinator: admin.address.shown,
    authorityFingerprint,
    agentAddresses,
    metricsAddress,
    rebalance: summary.rebalance,
    openPlans: summary.openPlans,
    highAvailability: summarizeHa(decodeHa(ha)),
    ...summarize(hosts.hosts.map(decodeHost), vms.vms.map(decodeVm)),
    activeOperations: operations.operations.map(decodeOperation),
  };
  output.show({
    data: cluster,
    names: [cluster.clusterId],
    table: (paint) => renderCluster(cluster, surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}

/** Works without a coordinator too: then it says so. */
async function showVersion({ admin, output }: Session): Promise<ExitCode> {
  const client = VERSION;
  let coordinator: string | undefined;
  let problem = "";
  try {
    const question = { doing: "ask for the version", request: {} };
    coordinator = (await admin.call(AdminService.getCluster, question)).version;
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    problem = error.message;
  }
  const other = coordinator === undefined ? problem : `coordinator ${coordinator}`;
  output.show({
    data: { muster: client, coordinator, problem: problem === "" ? undefined : problem },
    names: [client],
    table: () => renderLines([`muster ${client}`, other]),
  });
  return exitCodes.ok;
}
