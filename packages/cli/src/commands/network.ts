import { MusterError, networkDefaults, parseName } from "@muster/model";
import { encodeNetworkSpec } from "@muster/model/wire";
import { AdminService } from "@muster/proto/admin";
import { NetworkKind, type NetworkSpec } from "@muster/proto/types";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderNetwork, renderNetworks, renderNetworksWide } from "../render/network.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { networkOfFlags, type NetworkFlags } from "../spec/network-flags.ts";
import { decodeNetwork, segmentWords, type NetworkView } from "../view/network.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example } from "./flags.ts";
import { checkNetwork, setNetwork, type SetOptions } from "./network-change.ts";
import { addNetworkFlags } from "./network-flags.ts";
import type { Run } from "./run.ts";

interface CreateOptions extends ChangeOptions, WaitOptions, NetworkFlags {}

interface RemoveOptions extends ChangeOptions, WaitOptions {
  readonly overrideProtected?: boolean;
}

export function addNetworkCommands(program: Command, run: Run): void {
  const network = program.command("network").description("networks: create, list, remove");

  addWaitFlags(addChangeFlags(addNetworkFlags(network.command("create"))))
    .argument("<name>", "name, unique in the cluster")
    .description("define a network and bring it to every host that should have it")
    .addHelpText("after", example("muster network create blue --vlan 10"))
    .action((name: string, options: CreateOptions, command: Command) =>
      run(command, (session) => createNetwork(session, name, options)),
    );
  addWaitFlags(addChangeFlags(addNetworkFlags(network.command("set"))))
    .argument("<name>", "name")
    .description(
      "change a network, host by host; what cuts a host off is undone there and everywhere",
    )
    .option("--keep-going", "go on with the other hosts when one had to undo it")
    .option("--override-protected", "may touch what carries hosts' own connections")
    .addHelpText("after", example("muster network set blue --mtu 9000 --dry-run"))
    .action((name: string, options: SetOptions, command: Command) =>
      run(command, (session) => setNetwork(session, name, options)),
    );
  network
    .command("check")
    .argument("<name>", "name")
    .description("show who can use a network, who hears whom on it, and what clashes")
    .addHelpText("after", example("muster network check blue"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => checkNetwork(session, name)),
    );
  network
    .command("ls")
    .description("list networks and how many hosts have them")
    .addHelpText("after", example("muster network ls"))
    .action((_options, command: Command) => run(command, listNetworks));
  network
    .command("show")
    .argument("<name>", "name")
    .description("show one network with its state on every host")
    .addHelpText("after", example("muster network show blue"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showNetwork(session, name)),
    );
  addWaitFlags(addChangeFlags(network.command("rm")))
    .argument("<name>", "name")
    .description("remove a network that no VM uses")
    .option("--override-protected", "also where it carries hosts' own connections")
    .addHelpText("after", example("muster network rm blue"))
    .action((name: string, options: RemoveOptions, command: Command) =>
      run(command, (session) => removeNetwork(session, name, options)),
    );
}

async function fetchNetworks({ admin }: Session, name: string): Promise<readonly NetworkView[]> {
  const doing = name === "" ? "list networks" : `show network ${name}`;
  const answer = await admin.call(AdminService.listNetworks, { doing, request: { name } });
  return answer.networks.map(decodeNetwork);
}

async function fetchNetwork(session: Session, name: string): Promise<NetworkView> {
  const [network] = await fetchNetworks(session, parseName(name, "network"));
  if (network !== undefined) return network;
  throw new MusterError("not-found", `there is no network ${name}`, { hint: "muster network ls" });
}

async function listNetworks(session: Session): Promise<ExitCode> {
  const networks = await fetchNetworks(session, "");
  const now = session.surroundings.clock.wall();
  session.output.show({
    data: networks,
    names: networks.map(({ name }) => name),
    table: (paint) => renderNetworks(networks, now, paint),
    wide: (paint) => renderNetworksWide(networks, now, paint),
  });
  return exitCodes.ok;
}

async function showNetwork(session: Session, name: string): Promise<ExitCode> {
  const network = await fetchNetwork(session, name);
  session.output.show({
    data: network,
    names: [network.name],
    table: (paint) => renderNetwork(network, session.surroundings.clock.wall(), paint),
  });
  return exitCodes.ok;
}

/** Of no kind yet. */
const nothing = (name: string): NetworkSpec => ({
  ...encodeNetworkSpec({ ...networkDefaults, name, segment: { kind: "untagged" } }),
  kind: NetworkKind.UNSPECIFIED,
});

async function createNetwork(
  session: Session,
  name: string,
  options: CreateOptions,
): Promise<ExitCode> {
  const spec = networkOfFlags(nothing(parseName(name, "network")), options);
  const kind = segmentWords(spec);
  const { operation, hosts: reached } = await callChange(session, AdminService.createNetwork, {
    doing: `create network ${name}`,
    request: { spec, why: whyOf(options, session) },
  });
  const where = reached.length === 0 ? "no host yet" : reached.join(", ");
  if (options.dryRun === true) {
    const line = `would create network ${name} (${kind}) on ${where}`;
    return showDryRun(session, [line], { hosts: reached });
  }
  return finishOperation(session, {
    operation,
    options,
    data: { hosts: reached },
    outcome: async () => {
      const network = await fetchNetwork(session, name);
      const sentence = `network ${name} (${kind}) is ready on ${where}`;
      return { sentence, data: { network } };
    },
  });
}

async function removeNetwork(
  session: Session,
  name: string,
  options: RemoveOptions,
): Promise<ExitCode> {
  const { operation } = await callChange(session, AdminService.deleteNetwork, {
    doing: `remove network ${name}`,
    request: {
      name: parseName(name, "network"),
      overrideProtected: options.overrideProtected ?? false,
      why: whyOf(options, session),
    },
  });
  if (options.dryRun === true) {
    return showDryRun(session, [`would remove network ${name}`], { network: name });
  }
  return finishOperation(session, {
    operation,
    options,
    outcome: async () => ({ sentence: `network ${name} is removed`, data: {} }),
  });
}
