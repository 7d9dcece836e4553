/** `muster address`: who has which address, and addresses kept for somebody. */
import { parseName } from "@muster/model";
import { AdminService, type AddressUse } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderTable } from "../render/table.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { addChangeFlags, example } from "./flags.ts";
import { showDryRun } from "./finish-operation.ts";
import type { Run } from "./run.ts";

interface ReserveOptions extends ChangeOptions {
  readonly address?: string;
}

export function addAddressCommands(program: Command, run: Run): void {
  const address = program.command("address").description("addresses: reserve, list, release");
  addChangeFlags(address.command("reserve"))
    .argument("<network>", "name of the network")
    .argument("<name>", "for whom; a VM of this name gets it")
    .option("--address <ip>", "this one (default: the next that is free)")
    .description("keep an address for a VM to come, or for something else")
    .addHelpText("after", example("muster address reserve blue web-1 --address 10.1.0.50"))
    .action((network: string, name: string, options: ReserveOptions, command: Command) =>
      run(command, (session) => reserve(session, { network, name }, options)),
    );
  address
    .command("ls")
    .option("--network <name>", "only of this network")
    .description("list who has which address, and how full the subnets are")
    .addHelpText("after", example("muster address ls --network blue"))
    .action((options: { readonly network?: string }, command: Command) =>
      run(command, (session) => list(session, options.network ?? "")),
    );
  addChangeFlags(address.command("release"))
    .argument("<network>", "name of the network")
    .argument("<address>", "the address")
    .description("give a reserved address back")
    .addHelpText("after", example("muster address release blue 10.1.0.50"))
    .action((network: string, ip: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => release(session, { network, ip }, options)),
    );
}

async function reserve(
  session: Session,
  what: { readonly network: string; readonly name: string },
  options: ReserveOptions,
): Promise<ExitCode> {
  const network = parseName(what.network, "network");
  const name = parseName(what.name, "name");
  const { address } = await callChange(session, AdminService.reserveAddress, {
    doing: `reserve an address for ${name}`,
    request: { network, name, address: options.address ?? "", why: whyOf(options, session) },
  });
  const data = { network, name, address };
  if (options.dryRun === true) {
    return showDryRun(session, [`would reserve ${address} on ${network} for ${name}`], data);
  }
  session.output.show({
    data,
    names: [address],
    table: () => `${address} on network ${network} is reserved for ${name}\n`,
  });
  return exitCodes.ok;
}

async function release(
  session: Session,
  what: { readonly network: string; readonly ip: string },
  options: ChangeOptions,
): Promise<ExitCode> {
  const network = parseName(what.network, "network");
  await callChange(session, AdminService.releaseAddress, {
    doing: `release ${what.ip}`,
    request: { network, address: what.ip, why: whyOf(options, session) },
  });
  const data = { network, address: what.ip };
  const words = `${what.ip} on network ${network}`;
  if (options.dryRun === true) return showDryRun(session, [`would release ${words}`], data);
  session.output.show({ data, names: [what.ip], table: () => `${words} is free\n` });
  return exitCodes.ok;
}

async function list(session: Session, network: string): Promise<ExitCode> {
  const { addresses, subnets } = await session.admin.call(AdminService.listAddresses, {
    doing: "list addresses",
    request: { network },
  });
  session.output.show({
    data: { addresses, subnets },
    names: addresses.map(({ address }) => address),
    table: (paint) => {
      const uses = renderTable<AddressUse>(
        [
          { title: "NETWORK", cell: (use) => use.network },
          { title: "ADDRESS", cell: (use) => use.address },
          { title: "KIND", cell: (use) => use.kind },
          { title: "NAME", cell: (use) => use.name },
          { title: "HOST NAME", cell: (use) => use.hostName },
        ],
        addresses,
        paint,
      );
      const room = subnets.map(
        ({ network: of, cidr, used, size }) => `${of} ${cidr}: ${String(used)} of ${size} taken`,
      );
      return [uses, ...room, ""].join("\n");
    },
  });
  return exitCodes.ok;
}
