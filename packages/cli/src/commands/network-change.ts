/** `muster network set` and `muster network check`. */
import { MusterError, parseName } from "@muster/model";
import { AdminService, type NetworkOnHost, type ProbePair } from "@muster/proto/admin";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderTable } from "../render/table.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { networkOfFlags, type NetworkFlags } from "../spec/network-flags.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";

export interface SetOptions extends ChangeOptions, WaitOptions, NetworkFlags {
  readonly keepGoing?: boolean;
  readonly overrideProtected?: boolean;
}

export async function setNetwork(
  session: Session,
  name: string,
  options: SetOptions,
): Promise<ExitCode> {
  const doing = `change network ${name}`;
  const { networks } = await session.admin.call(AdminService.listNetworks, {
    doing,
    request: { name: parseName(name, "network") },
  });
  const before = networks[0]?.spec;
  if (before === undefined) throw new MusterError("not-found", `there is no network ${name}`);
  const { operation, hosts, differences } = await callChange(session, AdminService.setNetwork, {
    doing,
    request: {
      spec: networkOfFlags(before, options),
      keepGoing: options.keepGoing ?? false,
      overrideProtected: options.overrideProtected ?? false,
      why: whyOf(options, session),
    },
  });
  const data = { hosts, differences };
  const where = hosts.length === 0 ? "no host" : hosts.join(", ");
  if (options.dryRun === true) {
    const lines = [`would change network ${name} on ${where}`, ...differences];
    return showDryRun(session, lines, data);
  }
  if (operation === undefined) {
    session.output.show({ data, names: [], table: () => `network ${name} is as it should be\n` });
    return exitCodes.ok;
  }
  return finishOperation(session, {
    operation,
    options,
    data,
    outcome: async () => ({ sentence: `network ${name} is changed on ${where}`, data: {} }),
  });
}

/** Ends as refused when somebody cannot use the network, or something clashes. */
export async function checkNetwork(session: Session, name: string): Promise<ExitCode> {
  const { network, pairs, clashes } = await session.admin.call(AdminService.checkNetwork, {
    doing: `check network ${name}`,
    request: { name: parseName(name, "network") },
  });
  const hosts = network?.hosts ?? [];
  session.output.show({
    data: { network: name, hosts, pairs, clashes },
    names: hosts.filter(({ usable }) => !usable).map(({ host }) => host),
    table: (paint) => {
      const usable = renderTable<NetworkOnHost>(
        [
          { title: "HOST", cell: ({ host }) => host },
          {
            title: "USABLE",
            cell: (host) =>
              host.usable ? { text: "yes", tone: "good" } : { text: "no", tone: "bad" },
          },
          { title: "PROBLEM", cell: ({ problem, online }) => (online ? problem : "not connected") },
        ],
        hosts,
        paint,
      );
      const heard = renderTable<ProbePair>(
        [
          { title: "FROM", cell: ({ fromHost }) => fromHost },
          { title: "TO", cell: ({ toHost }) => toHost },
          {
            title: "HEARD",
            align: "right",
            cell: ({ received, sent }) => `${String(received)}/${String(sent)}`,
          },
          { title: "MTU", align: "right", cell: ({ mtuBytes }) => String(mtuBytes) },
          { title: "US", align: "right", cell: ({ roundTripUs }) => String(roundTripUs) },
          { title: "PROBLEM", cell: ({ problem }) => problem },
        ],
        pairs,
        paint,
      );
      return [
        usable,
        ...(pairs.length === 0 ? [] : [heard]),
        ...clashes.map((line) => `${line}\n`),
      ].join("\n");
    },
  });
  const isGood = hosts.every(({ usable }) => usable) && clashes.length === 0;
  return isGood ? exitCodes.ok : exitCodes.refused;
}
