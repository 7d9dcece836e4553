/** `npm run lab -- COMMAND`: the lab by hand. The commands are those of lab.ts and lab-host.ts. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { cables } from "./addresses.ts";
import { plainEnvironment } from "./command.ts";
import { defaultLabDirectory, Lab, type LabPlace } from "./lab.ts";

const usage = `npm run lab -- [--dir DIRECTORY] COMMAND

  up N                          bring up hosts h1 to hN and ctl (what runs already is left alone)
  down                          end everything and remove it
  status                        one line per machine
  exec MACHINE PROGRAM ...      run a program in a host or in ctl
  virsh HOST ...                virsh against a host
  gexec HOST VM PROGRAM ...     run a program (absolute path) in a guest, through its agent
  console HOST VM               what a VM has said on its serial console
  crash HOST | boot HOST        pull the power | switch it on again
  cut HOST [mgmt|data]          unplug a cable; mgmt unless told
  heal HOST [mgmt|data]         plug it again
  nas hang | nas resume         the shared storage of all hosts stops answering | goes on
  limit HOST MBIT               limit a host's management network, both ways; 0: no limit
  svc HOST start|stop|kill|restart
                                libvirtd of a host; VMs run on

DIRECTORY: $MUSTER_LAB_DIR, else /tmp/muster-lab. test/lab/README.md says what is in a host.
`;

class UsageError extends Error {}

type Command = (args: readonly string[], place: Required<LabPlace>) => Promise<number>;

function argument(args: readonly string[], index: number, what: string): string {
  const value = args[index];
  if (value === undefined) throw new UsageError(`missing: ${what}`);
  return value;
}

function oneOf<T extends string>(value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`${value}? one of: ${allowed.join(", ")}`);
  return found;
}

const print = (text: string): void => {
  if (text !== "") process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
};

/** Runs a program on our terminal and gives its exit code. */
function onTerminal(argv: readonly string[]): number {
  const { status, error } = spawnSync(argv[0] ?? "", argv.slice(1), {
    stdio: "inherit",
    env: { ...plainEnvironment(), TERM: process.env["TERM"] ?? "dumb" },
  });
  if (error !== undefined) throw error;
  return status ?? 1;
}

async function status(lab: Lab): Promise<void> {
  for (const machine of [lab.control, ...lab.hosts]) {
    const state = (await machine.isUp()) ? "up" : "down";
    print(`${machine.name}\t${state}\t${machine.address}\t${machine.directory}`);
  }
  for (const host of lab.hosts) {
    if (!(await host.isUp())) continue;
    const vms = (await lab.virsh(host.name, ["list", "--all", "--name"]))
      .split("\n")
      .filter(Boolean);
    print(`${host.name}\tVMs: ${vms.length === 0 ? "none" : vms.join(", ")}\t${host.libvirtUri}`);
  }
}

/** A command that needs a lab and nothing but its arguments; they are told apart by position. */
const onLab =
  (work: (lab: Lab, args: readonly string[]) => Promise<number | void>): Command =>
  async (args, place) =>
    (await work(await Lab.open(place), args)) ?? 0;

const host = (lab: Lab, args: readonly string[]) => lab.host(argument(args, 0, "HOST"));

const commands: Readonly<Record<string, Command>> = {
  up: async (args, place) => {
    const hosts = Number(argument(args, 0, "the number of hosts"));
    const lab = await Lab.up({ ...place, hosts, report: print });
    await status(lab);
    return 0;
  },
  down: async (_args, place) => {
    await Lab.down(place);
    return 0;
  },
  status: onLab(status),
  exec: onLab(async (lab, [machine = "", ...argv]) => {
    if (argv.length === 0) throw new UsageError("missing: the program");
    return onTerminal([...lab.machine(machine).enterCommand(), ...argv]);
  }),
  virsh: onLab(async (lab, args) =>
    onTerminal(["virsh", "-c", host(lab, args).libvirtUri, ...args.slice(1)]),
  ),
  gexec: onLab(async (lab, args) => {
    const result = await lab.guestExec(
      argument(args, 0, "HOST"),
      argument(args, 1, "VM"),
      args.slice(2),
    );
    process.stdout.write(result.stdout);
    process.stderr.write(result.stderr);
    return result.exitCode;
  }),
  console: onLab(async (lab, args) =>
    print(await lab.console(argument(args, 0, "HOST"), argument(args, 1, "VM"))),
  ),
  crash: onLab((lab, args) => host(lab, args).crash()),
  boot: onLab((lab, args) => host(lab, args).boot()),
  cut: onLab((lab, args) => host(lab, args).cut(oneOf(args[1] ?? "mgmt", cables))),
  heal: onLab((lab, args) => host(lab, args).heal(oneOf(args[1] ?? "mgmt", cables))),
  nas: onLab((lab, args) => {
    const action = oneOf(argument(args, 0, "hang or resume"), ["hang", "resume"]);
    return action === "hang" ? lab.hangStorage() : lab.resumeStorage();
  }),
  limit: onLab((lab, args) => {
    const rate = Number(argument(args, 1, "MBIT"));
    if (!Number.isInteger(rate) || rate < 0)
      throw new UsageError("MBIT is a whole number, 0 for no limit");
    return host(lab, args).limit(rate);
  }),
  svc: onLab((lab, args) =>
    host(lab, args).libvirtd(
      oneOf(argument(args, 1, "the action"), ["start", "stop", "kill", "restart"]),
    ),
  ),
};

async function main(argv: readonly string[]): Promise<number> {
  const hasDirectory = argv[0] === "--dir";
  const directory = hasDirectory ? resolve(argument(argv, 1, "DIRECTORY")) : defaultLabDirectory();
  const [name = "help", ...args] = hasDirectory ? argv.slice(2) : argv;
  if (["help", "--help", "-h"].includes(name)) {
    print(usage);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new UsageError(`${name}? There is no such command`);
  return command(args, { directory });
}

// `npm run lab -- status | head -1` has read enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`lab: ${message}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${usage}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
