/** `muster cluster settings`: what the site gives to virtual clusters. */
import { parseName } from "@muster/model";
import { AdminService, type VirtualClusterSettings } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderClusterSettings } from "../render/virtual-cluster.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { hostChoiceOf, parseMtu, wholeNumber, type NetworkFlags } from "../spec/network-flags.ts";
import { parseVlanList } from "../spec/vlan-list.ts";
import { required } from "../view/required.ts";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, example } from "./flags.ts";
import { addHostChoiceFlags } from "./network-flags.ts";
import type { Run } from "./run.ts";

interface SetOptions
  extends ChangeOptions, Pick<NetworkFlags, "host" | "allHosts" | "pool" | "labels" | "mtu"> {
  readonly vlans?: string;
  readonly uplink?: string;
  readonly subnet?: string;
  readonly public?: string;
  readonly reserve?: number;
  readonly domain?: string;
}

export function addClusterSettings(cluster: Command, run: Run): void {
  const settings = cluster
    .command("settings")
    .description("what the site gives to virtual clusters: VLANs, addresses, hosts")
    .addHelpText("after", example("muster cluster settings"))
    .action((_options, command: Command) => run(command, showSettings));
  addHostChoiceFlags(addChangeFlags(settings.command("set")))
    .description("change them, for clusters that are booted from now on; the rest stays as it is")
    .option("--vlans <ids>", 'VLANs private networks may take: "100-199", "none"')
    .option("--uplink <label>", 'uplink that carries them, or "agents" for the agents\' own')
    .option("--subnet <cidr>", "private subnet, the same in each cluster")
    .option("--public <network>", 'network that gives frontends public addresses, or "none"')
    .option("--reserve <n>", "CPUs of each host that computes never get", (text) =>
      wholeNumber(text, "--reserve"),
    )
    .option("--domain <domain>", 'behind the names of members, or "none"')
    .option("--mtu <bytes>", "MTU of private networks", parseMtu)
    .addHelpText(
      "after",
      example(
        "muster cluster settings set --vlans 100-199 --uplink lan --public campus --reserve 2",
      ),
    )
    .action((options: SetOptions, command: Command) =>
      run(command, (session) => setSettings(session, options)),
    );
}

async function load({ admin }: Session) {
  const answer = await admin.call(AdminService.getVirtualClusterSettings, {
    doing: "show the settings of virtual clusters",
    request: {},
  });
  return { ...answer, settings: required(answer.settings, "settings") };
}

async function showSettings(session: Session): Promise<ExitCode> {
  const answer = await load(session);
  session.output.show({
    data: answer,
    names: [],
    table: (paint) => renderClusterSettings(answer.settings, answer, paint),
  });
  return exitCodes.ok;
}

/** `nothing` is the word for having none. */
function nameOr(
  text: string | undefined,
  { flag, nothing, before }: { flag: string; nothing: string; before: string },
): string {
  if (text === undefined) return before;
  return text === nothing ? "" : parseName(text, flag);
}

function changed(before: VirtualClusterSettings, options: SetOptions): VirtualClusterSettings {
  const { vlans, reserve, subnet, mtu } = options;
  const own = vlans === "none" ? [] : vlans;
  return {
    ...before,
    ...hostChoiceOf(options),
    vlans:
      own === undefined
        ? before.vlans
        : typeof own === "string"
          ? parseVlanList(own, "--vlans")
          : own,
    uplink: nameOr(options.uplink, { flag: "--uplink", nothing: "agents", before: before.uplink }),
    privateSubnet: subnet ?? before.privateSubnet,
    publicNetwork: nameOr(options.public, {
      flag: "--public",
      nothing: "none",
      before: before.publicNetwork,
    }),
    cpusReserved: reserve ?? before.cpusReserved,
    domain: nameOr(options.domain, { flag: "--domain", nothing: "none", before: before.domain }),
    mtu: mtu ?? before.mtu,
  };
}

async function setSettings(session: Session, options: SetOptions): Promise<ExitCode> {
  const before = await load(session);
  const answer = await callChange(session, AdminService.setVirtualClusterSettings, {
    doing: "change the settings of virtual clusters",
    request: { settings: changed(before.settings, options), why: whyOf(options, session) },
  });
  const settings = required(answer.settings, "settings");
  if (options.dryRun === true) {
    const lines = renderClusterSettings(settings, before, (text) => text);
    return showDryRun(session, ["would set:", ...lines.trimEnd().split("\n")], { settings });
  }
  const after = await load(session);
  session.output.show({
    data: after,
    names: [],
    table: (paint) => renderClusterSettings(after.settings, after, paint),
  });
  return exitCodes.ok;
}
