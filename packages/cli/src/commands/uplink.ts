/** `muster uplink`: what networks ride on, host by host. */
import { parseDeviceName, parseName } from "@muster/model";
import { AdminService, type Uplink } from "@muster/proto/admin";
import { parseNicMatch, renderNicMatch } from "../spec/nic-match.ts";
import type { NicMatch, UplinkSpec } from "@muster/proto/types";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderTable } from "../render/table.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { hostChoiceOf, parseMtu, type NetworkFlags } from "../spec/network-flags.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example, repeated } from "./flags.ts";
import { addHostChoiceFlags } from "./network-flags.ts";
import type { Run } from "./run.ts";

type HostFlags = Pick<NetworkFlags, "host" | "allHosts" | "pool" | "labels">;

interface SetOptions extends ChangeOptions, WaitOptions, HostFlags {
  readonly nic: readonly NicMatch[];
  readonly bond?: string;
  readonly mode?: string;
  readonly hash?: string;
  readonly lacpFast?: boolean;
  readonly minLinks?: number;
  readonly mtu?: number;
  readonly keepGoing?: boolean;
  readonly overrideProtected?: boolean;
}

export function addUplinkCommands(program: Command, run: Run): void {
  const uplink = program.command("uplink").description("uplinks: set, list, remove");
  addWaitFlags(addChangeFlags(addHostChoiceFlags(uplink.command("set"))))
    .argument("<label>", "label that networks name")
    .description("define or change an uplink, host by host; what cuts a host off is undone")
    .requiredOption(
      "--nic <nic>",
      'NIC by name ("eth1", "enp65s0f*"), mac=MAC or driver=NAME; repeat for more',
      repeated(parseNicMatch),
    )
    .option("--bond <device>", "bond the NICs to this device", (text) =>
      parseDeviceName(text, "--bond"),
    )
    .option("--mode <mode>", "of the bond: active-backup, 802.3ad, ... (default: active-backup)")
    .option("--hash <policy>", "of the bond: layer2, layer2+3, layer3+4, ...")
    .option("--lacp-fast", "of a bond of mode 802.3ad: partners speak every second")
    .option("--min-links <n>", "of the bond: down with fewer", Number)
    .option("--mtu <bytes>", "MTU (default: 1500)", parseMtu)
    .option("--keep-going", "go on with the other hosts when one had to undo it")
    .option("--override-protected", "may touch what carries hosts' own connections")
    .addHelpText(
      "after",
      example("muster uplink set lan --bond bond1 --mode 802.3ad --nic eth2 --nic eth3"),
    )
    .action((label: string, options: SetOptions, command: Command) =>
      run(command, (session) => setUplink(session, label, options)),
    );
  uplink
    .command("ls")
    .description("list uplinks and what hosts made of them")
    .addHelpText("after", example("muster uplink ls"))
    .action((_options, command: Command) => run(command, listUplinks));
  addChangeFlags(addHostChoiceFlags(uplink.command("rm")))
    .argument("<label>", "label")
    .description("remove the definition of an uplink that no network needs")
    .addHelpText("after", example("muster uplink rm lan --host h1"))
    .action((label: string, options: ChangeOptions & HostFlags, command: Command) =>
      run(command, (session) => removeUplink(session, label, options)),
    );
}

const everyHost = { hosts: [], hostPool: "", hostLabels: "" };

function specOf(label: string, options: SetOptions): UplinkSpec {
  const { bond, mode = "active-backup", hash = "", lacpFast = false, minLinks = 0 } = options;
  return {
    label: parseName(label, "label"),
    ...(hostChoiceOf(options) ?? everyHost),
    members: [...options.nic],
    bond:
      bond === undefined
        ? undefined
        : { name: bond, mode, lacpFast, transmitHash: hash, miimonMs: 0, minLinks, members: [] },
    mtu: options.mtu ?? 0,
  };
}

async function setUplink(session: Session, label: string, options: SetOptions): Promise<ExitCode> {
  const { operation, hosts } = await callChange(session, AdminService.setUplink, {
    doing: `set uplink ${label}`,
    request: {
      spec: specOf(label, options),
      keepGoing: options.keepGoing ?? false,
      overrideProtected: options.overrideProtected ?? false,
      why: whyOf(options, session),
    },
  });
  const where = hosts.length === 0 ? "no host" : hosts.join(", ");
  if (options.dryRun === true) {
    return showDryRun(session, [`would set uplink ${label} on ${where}`], { hosts });
  }
  if (operation === undefined) {
    session.output.show({
      data: { hosts },
      names: [],
      table: () => `uplink ${label} is as it should be\n`,
    });
    return exitCodes.ok;
  }
  return finishOperation(session, {
    operation,
    options,
    data: { hosts },
    outcome: async () => ({ sentence: `uplink ${label} is set on ${where}`, data: {} }),
  });
}

const forHosts = ({ hosts = [], hostPool = "", hostLabels = "" }: Partial<UplinkSpec>): string =>
  [hosts.join(","), hostPool === "" ? "" : `pool ${hostPool}`, hostLabels]
    .filter((part) => part !== "")
    .join(" ") || "every host";

async function listUplinks(session: Session): Promise<ExitCode> {
  const { uplinks } = await session.admin.call(AdminService.listUplinks, {
    doing: "list uplinks",
    request: { label: "" },
  });
  session.output.show({
    data: uplinks,
    names: uplinks.map(({ spec }) => spec?.label ?? ""),
    table: (paint) =>
      renderTable<Uplink>(
        [
          { title: "LABEL", cell: ({ spec }) => spec?.label ?? "" },
          { title: "FOR", cell: ({ spec }) => forHosts(spec ?? {}) },
          {
            title: "NICS",
            cell: ({ spec }) => (spec?.members ?? []).map(renderNicMatch).join(","),
          },
          { title: "BOND", cell: ({ spec }) => spec?.bond?.mode ?? "" },
          { title: "MTU", align: "right", cell: ({ spec }) => String(spec?.mtu ?? 0) },
          { title: "HOSTS", cell: ({ hosts }) => hosts.map(({ host }) => host).join(",") },
          { title: "NETWORKS", cell: ({ networks }) => networks.join(",") },
        ],
        uplinks,
        paint,
      ),
  });
  return exitCodes.ok;
}

async function removeUplink(
  session: Session,
  label: string,
  options: ChangeOptions & HostFlags,
): Promise<ExitCode> {
  await callChange(session, AdminService.removeUplink, {
    doing: `remove uplink ${label}`,
    request: {
      label: parseName(label, "label"),
      ...(hostChoiceOf(options) ?? everyHost),
      why: whyOf(options, session),
    },
  });
  const data = { uplink: label };
  if (options.dryRun === true) return showDryRun(session, [`would remove uplink ${label}`], data);
  session.output.show({ data, names: [label], table: () => `uplink ${label} is removed\n` });
  return exitCodes.ok;
}
