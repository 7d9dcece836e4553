/** `muster coordinator …`: which coordinators there are, who leads, handing over. */
import { parseName } from "@muster/model";
import { AdminService, CoordinatorRole, type Coordinator } from "@muster/proto/admin";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderCoordinators } from "../render/coordinator.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { decodeCoordinators } from "../view/coordinator.ts";
import { addChangeFlags, example } from "./flags.ts";
import type { Run } from "./run.ts";

export function addCoordinatorCommands(program: Command, run: Run): void {
  const coordinator = program
    .command("coordinator")
    .description("the coordinators: which lead, which stand by");
  coordinator
    .command("ls")
    .description("list coordinators: role, term, age of the copy, version, addresses")
    .addHelpText("after", example("muster coordinator ls"))
    .action((_options, command: Command) => run(command, listCoordinators));
  addChangeFlags(coordinator.command("resign"))
    .description("let another coordinator lead; the present leader begins anew as a standby")
    .addHelpText("after", example("muster coordinator resign --reason 'disk to be replaced'"))
    .action((options: ChangeOptions, command: Command) =>
      run(command, (session) => resign(session, options)),
    );
  addChangeFlags(coordinator.command("rotate-secrets"))
    .description("seal what is kept of contexts with a new key, and forget the old one")
    .addHelpText("after", example("muster coordinator rotate-secrets"))
    .action((options: ChangeOptions, command: Command) =>
      run(command, (session) => rotateSecrets(session, options)),
    );
  addChangeFlags(coordinator.command("forget"))
    .argument("<name>", "name of the coordinator")
    .description("stop telling agents of a coordinator that is gone for good")
    .addHelpText("after", example("muster coordinator forget c3"))
    .action((name: string, options: ChangeOptions, command: Command) =>
      run(command, (session) => forget(session, name, options)),
    );
}

async function rotateSecrets(session: Session, options: ChangeOptions): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.rotateSecrets, {
    doing: "seal secrets anew",
    request: { why: whyOf(options, session) },
  });
  const { contexts, key } = answer;
  const what = `${String(contexts)} context${contexts === 1 ? "" : "s"}`;
  session.output.show({
    data: { contexts, key },
    names: [],
    table: () =>
      options.dryRun === true
        ? `${what} would be sealed anew (dry run)\n`
        : `${what} sealed anew with key ${String(key)}; older keys are forgotten\n`,
  });
  return exitCodes.ok;
}

async function listCoordinators({ admin, output }: Session): Promise<ExitCode> {
  const question = { doing: "list coordinators", request: {} };
  const answer = await admin.call(AdminService.listCoordinators, question);
  const others = answer.coordinators.filter(
    ({ name, role }) => role === CoordinatorRole.STANDBY && name !== answer.answeredBy,
  );
  const ages = new Map<string, number>();
  const ask = async ({ name, addresses }: Coordinator): Promise<void> => {
    const own = await admin.askAt(addresses, AdminService.listCoordinators, {});
    if (own?.answeredBy === name) ages.set(name, Number(own.ageMs));
  };
  await Promise.all(others.map(ask));
  const view = decodeCoordinators(answer, ages);
  output.show({
    data: view,
    names: view.coordinators.map(({ name }) => name),
    table: (paint) => renderCoordinators(view, paint),
  });
  return exitCodes.ok;
}

async function resign(session: Session, options: ChangeOptions): Promise<ExitCode> {
  await callChange(session, AdminService.resignLeadership, {
    doing: "resign",
    request: { why: whyOf(options, session) },
  });
  session.output.note(options.dryRun === true ? "another coordinator would lead" : "resigned");
  return exitCodes.ok;
}

async function forget(session: Session, text: string, options: ChangeOptions): Promise<ExitCode> {
  const name = parseName(text, "coordinator");
  await callChange(session, AdminService.forgetCoordinator, {
    doing: `forget coordinator ${name}`,
    request: { name, why: whyOf(options, session) },
  });
  session.output.note(options.dryRun === true ? `${name} would be forgotten` : `${name} forgotten`);
  return exitCodes.ok;
}
