/** `muster group …`: one profile, and as many VMs made from it as the group is large. */
import { invalid, parseName } from "@muster/model";
import { AdminService, type GroupMemberValues, type Operation } from "@muster/proto/admin";
import type { VmSpec } from "@muster/proto/types";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderGroup, renderGroups } from "../render/group.ts";
import { renderLines } from "../render/operation.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { parsePairs } from "../spec/pairs.ts";
import { completeSpec, type PartialVmSpec } from "../spec/partial-spec.ts";
import { hasSpecFlags, specOfFlags, type SpecFlags } from "../spec/spec-flags.ts";
import { decodeGroup, type GroupView } from "../view/group.ts";
import { required } from "../view/required.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, countOf, durationOf, example, repeated } from "./flags.ts";
import type { Run } from "./run.ts";
import { addSpecFlags, loadSpecFile } from "./spec-flags.ts";

interface StopOptions extends ChangeOptions, WaitOptions {
  /** Milliseconds. */
  readonly grace?: number;
  readonly force?: boolean;
}

interface SetOptions extends SpecFlags, StopOptions {
  readonly size?: number;
  readonly pattern?: string;
  readonly member?: readonly GroupMemberValues[];
  readonly rebuild?: boolean;
}

/** "web-1,mac=02:00:00:00:00:01,address=10.0.0.5"; the name may be left out: "address=10.0.0.5". */
export function parseMember(text: string): GroupMemberValues {
  const [first = "", ...rest] = text.split(",");
  const isNamed = !first.includes("=");
  const pairs = parsePairs((isNamed ? rest : [first, ...rest]).join(","), "--member", [
    ...["mac", "address"],
  ]);
  const addresses = pairs.get("address") ?? "";
  return {
    name: isNamed ? parseName(first, "--member") : "",
    mac: pairs.get("mac") ?? "",
    addresses: addresses === "" ? [] : addresses.split("+"),
  };
}

const addStopFlags = (command: Command): Command =>
  command
    .option("--grace <duration>", "how long guests get to shut down", durationOf("--grace"))
    .option("--force", "pull the plug of guests that do not shut down in that time");

const addProfileFlags = (command: Command): Command =>
  addStopFlags(addWaitFlags(addChangeFlags(addSpecFlags(command))))
    .option("--pattern <pattern>", 'names of members: "web-{n}" (default: GROUP-{n})')
    .option(
      "--member <[NAME][,mac=MAC][,address=IP]>",
      "values of the first member, of the second, ...; repeat for more",
      repeated(parseMember),
    );

export function addGroupCommands(program: Command, run: Run): void {
  const group = program.command("group").description("one profile, and many VMs made from it");
  addProfileFlags(group.command("create"))
    .argument("<group>", "name")
    .description("make a group and its members")
    .option("--size <n>", "members (default: 1)", countOf("--size"))
    .addHelpText(
      "after",
      example(
        "muster group create web --size 3 --memory 2G --disk storage=shared,size=10G,base=debian-13 --network blue",
      ),
    )
    .action((name: string, options: SetOptions, command: Command) =>
      run(command, (session) => createGroup(session, name, options)),
    );
  addProfileFlags(group.command("set"))
    .argument("<group>", "name")
    .description("change the profile; members follow, one after the other")
    .option("--rebuild", "members may be made anew, with empty disks")
    .addHelpText(
      "after",
      example(
        "muster group set web --memory 4G --rebuild --dry-run",
        "muster group set web --memory 4G --rebuild",
      ),
    )
    .action((name: string, options: SetOptions, command: Command) =>
      run(command, (session) => changeProfile(session, name, options)),
    );
  addScale(group, run);
  addLook(group, run);
}

function addScale(group: Command, run: Run): void {
  addStopFlags(addWaitFlags(addChangeFlags(group.command("scale"))))
    .argument("<group>", "name")
    .argument("<size>", "members", countOf("size"))
    .description("add members, or remove the last ones with their disks")
    .addHelpText("after", example("muster group scale web 5"))
    .action((name: string, size: number, options: StopOptions, command: Command) =>
      run(command, (session) => setGroup(session, { name, options, more: { size } })),
    );
  addStopFlags(addWaitFlags(addChangeFlags(group.command("follow"))))
    .argument("<group>", "name")
    .description("go on with what is left: members that are missing, old or too many")
    .option("--rebuild", "members may be made anew, with empty disks")
    .addHelpText("after", example("muster group follow web"))
    .action((name: string, options: SetOptions, command: Command) =>
      run(command, (session) =>
        setGroup(session, { name, options, more: { rebuild: options.rebuild ?? false } }),
      ),
    );
  addStopFlags(addWaitFlags(addChangeFlags(group.command("rm"))))
    .argument("<group>", "name")
    .description("remove a group and its members with their disks")
    .addHelpText("after", example("muster group rm web --dry-run"))
    .action((name: string, options: StopOptions, command: Command) =>
      run(command, (session) => removeGroup(session, name, options)),
    );
}

function addLook(group: Command, run: Run): void {
  group
    .command("ls")
    .description("list groups: size, what is still to be done")
    .addHelpText("after", example("muster group ls"))
    .action((_options, command: Command) => run(command, listGroups));
  group
    .command("show")
    .argument("<group>", "name")
    .description("show a group, its members, and what is still to be done")
    .addHelpText("after", example("muster group show web"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showGroup(session, name)),
    );
}

async function partsOf(session: Session, options: SpecFlags): Promise<readonly PartialVmSpec[]> {
  const { file } = options;
  const stored = file === undefined ? {} : await loadSpecFile(file, session.surroundings.stdin);
  return [stored, specOfFlags(options)];
}

async function createGroup(session: Session, name: string, options: SetOptions): Promise<ExitCode> {
  const profile = completeSpec([...(await partsOf(session, options)), { name }]);
  return setGroup(session, {
    name,
    options,
    more: { create: true, profile, size: options.size ?? 1 },
  });
}

/** What is not given stays: flags go over the profile as it is. */
async function changeProfile(
  session: Session,
  name: string,
  options: SetOptions,
): Promise<ExitCode> {
  const { rebuild = false } = options;
  if (!hasSpecFlags(options)) {
    if (options.pattern === undefined && options.member === undefined) {
      throw invalid("flags", "nothing is to be changed", "see: muster group set --help");
    }
    return setGroup(session, { name, options, more: { rebuild } });
  }
  const group = await load(session, name);
  const before = required(group.profile, "profile");
  const [file, flags] = await partsOf(session, options);
  const profile = completeSpec([asPartial(before), file ?? {}, flags ?? {}, { name }]);
  return setGroup(session, { name, options, more: { profile, rebuild } });
}

function asPartial({ kernel, ha, ...spec }: VmSpec): PartialVmSpec {
  return {
    ...spec,
    ...(kernel === undefined ? {} : { kernel }),
    ...(ha === undefined ? {} : { ha }),
  };
}

interface More {
  readonly create?: boolean;
  readonly profile?: VmSpec;
  readonly size?: number;
  readonly rebuild?: boolean;
}

async function setGroup(
  session: Session,
  {
    name,
    options,
    more,
  }: { readonly name: string; readonly options: SetOptions; readonly more: More },
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.setGroup, {
    doing: `${more.create === true ? "create" : "change"} group ${name}`,
    request: {
      name: parseName(name, "group"),
      create: more.create ?? false,
      profile: more.profile,
      size: more.size,
      pattern: options.pattern ?? "",
      values: [...(options.member ?? [])],
      rebuild: more.rebuild ?? false,
      graceMs: options.grace ?? 0,
      force: options.force ?? false,
      why: whyOf(options, session),
    },
  });
  return finish(session, answer, { name, options });
}

interface Begun {
  readonly operation: Operation | undefined;
  readonly plan: readonly string[];
}

async function finish(
  session: Session,
  { operation, plan }: Begun,
  { name, options }: { readonly name: string; readonly options: StopOptions },
): Promise<ExitCode> {
  if (options.dryRun === true) {
    const lines = plan.length === 0 ? [`members of ${name} are as they should be`] : plan;
    return showDryRun(session, lines, { plan });
  }
  if (operation === undefined) {
    session.output.show({
      data: { name, plan },
      names: [name],
      table: () => renderLines([`group ${name} is set; its members are as they should be`]),
    });
    return exitCodes.ok;
  }
  return finishOperation(session, {
    operation,
    options,
    data: { plan },
    outcome: async () => {
      const { groups } = await session.admin.call(AdminService.listGroups, {
        doing: "list groups",
        request: { name: "" },
      });
      const group = groups.find((each) => each.name === name);
      if (group === undefined) return { sentence: `group ${name} is removed`, data: { name } };
      const view = decodeGroup(group);
      const count = `${String(view.members.length)} member${view.members.length === 1 ? "" : "s"}`;
      return { sentence: `group ${name} has ${count}`, data: { group: view } };
    },
  });
}

async function removeGroup(
  session: Session,
  name: string,
  options: StopOptions,
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.deleteGroup, {
    doing: `remove group ${name}`,
    request: {
      name: parseName(name, "group"),
      graceMs: options.grace ?? 0,
      force: options.force ?? false,
      why: whyOf(options, session),
    },
  });
  return finish(session, answer, { name, options });
}

async function load({ admin }: Session, name: string) {
  const { groups } = await admin.call(AdminService.listGroups, {
    doing: `show group ${name}`,
    request: { name: parseName(name, "group") },
  });
  return required(groups[0], "group");
}

async function listGroups({ admin, output }: Session): Promise<ExitCode> {
  const { groups } = await admin.call(AdminService.listGroups, {
    doing: "list groups",
    request: { name: "" },
  });
  const views: readonly GroupView[] = groups.map(decodeGroup);
  output.show({
    data: views,
    names: views.map(({ name }) => name),
    table: (paint) => renderGroups(views, paint),
  });
  return exitCodes.ok;
}

async function showGroup(session: Session, name: string): Promise<ExitCode> {
  const group = decodeGroup(await load(session, name));
  session.output.show({
    data: group,
    names: [group.name],
    table: (paint) => renderGroup(group, paint),
  });
  return exitCodes.ok;
}
