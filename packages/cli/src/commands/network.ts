import {
  invalid,
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  MusterError,
  networkDefaults,
  parseName,
  parseVlan,
  type HostChoice,
} from "@muster/model";
import { encodeNetworkSpec } from "@muster/model/wire";
import { AdminService } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderNetwork, renderNetworks, renderNetworksWide } from "../render/network.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeNetwork, type NetworkView } from "../view/network.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example, repeated } from "./flags.ts";
import type { Run } from "./run.ts";

interface CreateOptions extends ChangeOptions, WaitOptions {
  readonly vlan: number;
  readonly mtu?: number;
  readonly host?: readonly string[];
}

interface RemoveOptions extends ChangeOptions, WaitOptions {}

export function addNetworkCommands(program: Command, run: Run): void {
  const network = program.command("network").description("networks: create, list, remove");

  addWaitFlags(addChangeFlags(network.command("create")))
    .argument("<name>", "name, unique in the cluster")
    .description("define a network and bring it to every host that should have it")
    .requiredOption("--vlan <id>", "VLAN id, 1 to 4094", (text) =>
      parseVlan(wholeNumber(text, "--vlan"), "--vlan"),
    )
    .option("--mtu <bytes>", "MTU (default: 1500)", parseMtu)
    .option(
      "--host <host>",
      "only on this host; repeat for more (default: every host)",
      repeated((text) => parseName(text, "--host")),
    )
    .addHelpText("after", example("muster network create blue --vlan 10"))
    .action((name: string, options: CreateOptions, command: Command) =>
      run(command, (session) => createNetwork(session, name, options)),
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
    .addHelpText("after", example("muster network rm blue"))
    .action((name: string, options: RemoveOptions, command: Command) =>
      run(command, (session) => removeNetwork(session, name, options)),
    );
}

function wholeNumber(text: string, field: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalid(field, `"${text.slice(0, 40)}" is not a whole number`);
  return Number(text);
}

function parseMtu(text: string): number {
  const mtu = wholeNumber(text, "--mtu");
  if (mtu >= MTU_MIN_BYTES && mtu <= MTU_MAX_BYTES) return mtu;
  const range = `${String(MTU_MIN_BYTES)} to ${String(MTU_MAX_BYTES)}`;
  throw invalid("--mtu", `${text} is out of range`, `use ${range}`);
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

async function createNetwork(
  session: Session,
  name: string,
  options: CreateOptions,
): Promise<ExitCode> {
  const { vlan } = options;
  const hosts: HostChoice =
    options.host === undefined ? { kind: "all" } : { kind: "named", names: options.host };
  const spec = encodeNetworkSpec({
    ...networkDefaults,
    name: parseName(name, "network"),
    segment: { kind: "vlan", vlan },
    mtu: options.mtu ?? networkDefaults.mtu,
    hosts,
  });
  const { operation, hosts: reached } = await callChange(session, AdminService.createNetwork, {
    doing: `create network ${name}`,
    request: { spec, why: whyOf(options, session) },
  });
  const where = reached.length === 0 ? "no host yet" : reached.join(", ");
  if (options.dryRun === true) {
    const line = `would create network ${name} (VLAN ${String(vlan)}) on ${where}`;
    return showDryRun(session, [line], { hosts: reached });
  }
  return finishOperation(session, {
    operation,
    options,
    data: { hosts: reached },
    outcome: async () => {
      const network = await fetchNetwork(session, name);
      const sentence = `network ${name} (VLAN ${String(vlan)}) is ready on ${where}`;
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
      overrideProtected: false,
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
