/** The VMs of the quickstart on the lab, and what can be seen from inside them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { GuestStatus } from "../../test/lab/lab.ts";
import type { MusterLab } from "../../test/lab/muster-lab.ts";
import type { MusterCommand } from "./muster-command.ts";
import type { Story } from "./story.ts";

interface Guest {
  readonly vm: string;
  readonly network: string;
  /** All in one IP network: only the VLANs keep them apart. */
  readonly address: string;
}

export interface Guests {
  readonly moved: Guest;
  readonly neighbour: Guest;
  readonly stranger: Guest;
}

const guests: Guests = {
  moved: { vm: "blue-1", network: "blue", address: "10.10.0.1" },
  neighbour: { vm: "blue-2", network: "blue", address: "10.10.0.2" },
  stranger: { vm: "green-1", network: "green", address: "10.10.0.3" },
};

interface Setting {
  readonly lab: MusterLab;
  readonly muster: MusterCommand;
  readonly story: Story;
}

/** A busy machine emulates slowly. */
const GUEST_TIMEOUT_MS = 120_000;
/** The guest answers each connection with its last status line there. */
const STATUS_PORT = "7";

/** The guest counts once a second. */
const READ_EVERY_MS = 500;

/** So slow that there is something to watch: the guest has some 50 MiB to send. */
const BANDWIDTH_MIB_PER_SECOND = "16";

export async function createGuests({ lab, muster, story }: Setting): Promise<Guests> {
  const { moved, neighbour, stranger } = guests;
  await muster.show(createWords(moved, ["--anti-affinity", "blue"]));
  await Promise.all([
    muster.show(createWords(neighbour, ["--anti-affinity", "blue"])),
    // Beside the one it must not reach, on the same switch.
    muster.show(createWords(stranger, ["--host", await hostOf(muster, moved)])),
  ]);
  const statuses = await Promise.all(
    [moved, neighbour, stranger].map(async (guest) => {
      const host = await hostOf(muster, guest);
      return lab.lab.waitForGuest(host, guest.vm, { timeoutMs: GUEST_TIMEOUT_MS });
    }),
  );
  story.say(statuses.map(({ name }) => `${name} is up and counts`).join("\n"));
  await muster.show(["vm", "ls"]);
  return guests;
}

function createWords({ vm, network, address }: Guest, more: readonly string[]): readonly string[] {
  const commandLine = `console=ttyS0 quiet name=${vm} addr=${address}/24`;
  return [
    ...["vm", "create", vm, "--cpus", "1", "--memory", "128M", "--network", network],
    ...["--disk", "storage=shared,size=64M", ...more, "--kernel", "/srv/shared/guest/vmlinuz"],
    ...["--initrd", "/srv/shared/guest/initrd.gz", "--cmdline", commandLine],
  ];
}

async function hostOf(muster: MusterCommand, { vm }: Guest): Promise<string> {
  const { host } = await muster.json<{ readonly host: string }>(["vm", "show", vm]);
  return host;
}

interface Finding {
  readonly host: string;
  readonly pings: boolean;
  readonly connects: boolean;
}

/** From inside one guest to another. */
async function probe(
  { lab, muster }: { readonly lab: MusterLab; readonly muster: MusterCommand },
  from: Guest,
  to: Guest,
): Promise<Finding> {
  const host = await hostOf(muster, from);
  const [ping, tcp] = await Promise.all([
    lab.lab.guestExec(host, from.vm, ["/bin/ping", "-c", "2", "-W", "1", to.address]),
    lab.lab.guestExec(host, from.vm, ["/bin/nc", "-w", "2", to.address, STATUS_PORT]),
  ]);
  const connects = tcp.exitCode === 0 && tcp.stdout.startsWith("LAB ");
  return { host, pings: ping.exitCode === 0, connects };
}

const answered = (isAnswered: boolean): string => (isAnswered ? "answered" : "not answered");

/** @throws Error when somebody reaches who must not, or does not reach who must. */
export async function showReachability(parts: {
  readonly lab: MusterLab;
  readonly muster: MusterCommand;
  readonly story: Story;
  readonly guests: Guests;
}): Promise<void> {
  const { moved, neighbour, stranger } = parts.guests;
  const expected: readonly (readonly [Guest, Guest, boolean])[] = [
    [moved, neighbour, true],
    [neighbour, moved, true],
    [moved, stranger, false],
    [stranger, neighbour, false],
  ];
  const findings = await Promise.all(expected.map(([from, to]) => probe(parts, from, to)));
  for (const [index, [from, to, isExpected]] of expected.entries()) {
    const { host, pings, connects } = findings[index] ?? {
      host: "",
      pings: false,
      connects: false,
    };
    const found = `ping ${answered(pings)}, TCP ${answered(connects)}`;
    const where = `${from.vm} on ${host} (${from.network}) → ${to.vm} (${to.network})`;
    parts.story.say(`${where.padEnd(44)} ${found}`);
    if (pings !== isExpected || connects !== isExpected) {
      throw new Error(`${from.vm} ${isExpected ? "must" : "must not"} reach ${to.vm}: ${found}`);
    }
  }
  parts.story.say(
    "all three have addresses in 10.10.0.0/24: only the VLANs keep blue and green apart",
  );
}

/** @throws Error when the guest noticed: it booted anew, lost count, or found its memory or disk changed. */
export async function showMigration(parts: {
  readonly lab: MusterLab;
  readonly muster: MusterCommand;
  readonly story: Story;
  readonly guests: Guests;
}): Promise<void> {
  const { lab, muster, story } = parts;
  const { moved } = parts.guests;
  const source = await hostOf(muster, moved);
  const before = await lab.lab.guestStatus(source, moved.vm);
  story.say(`before, on ${source}:  ${counterLine(before)}`);
  const words = ["vm", "migrate", moved.vm, "--bandwidth", BANDWIDTH_MIB_PER_SECOND];
  const operation = await muster.begin([...words, "--reason", "quickstart"]);
  story.say(
    `$ muster ${words.join(" ")} --reason quickstart   (16 MiB/s, so that there is something to watch)`,
  );
  const during = await watchFromNeighbour(parts, operation);
  story.say(`during, read by blue-2 over the network:\n${during.join("\n")}`);
  const target = await hostOf(muster, moved);
  const after = await lab.lab.guestStatus(target, moved.vm);
  story.say(`after, on ${target}:   ${counterLine(after)}`);
  await muster.show(["op", "show", operation]);
  checkUnnoticed({ before, after, source, target });
  story.say(
    `the guest did not notice: same boot, ${String(after.count - before.count)} counted since, no memory or disk errors`,
  );
}

/** Reads the moving guest's counter from another guest until the operation ends. */
async function watchFromNeighbour(
  parts: { readonly lab: MusterLab; readonly muster: MusterCommand; readonly guests: Guests },
  operation: string,
): Promise<readonly string[]> {
  const { lab, muster } = parts;
  const { moved, neighbour } = parts.guests;
  const host = await hostOf(muster, neighbour);
  let isOver = false;
  const read = async (): Promise<readonly string[]> => {
    const lines: string[] = [];
    while (!isOver) {
      const argv = ["/bin/nc", "-w", "2", moved.address, STATUS_PORT];
      const { stdout } = await lab.lab.guestExec(host, neighbour.vm, argv);
      const line = stdout.trim();
      if (line !== "" && line !== lines.at(-1)) lines.push(line);
      await sleep(READ_EVERY_MS);
    }
    return lines;
  };
  const ended = muster.run(["op", "watch", operation]).finally(() => {
    isOver = true;
  });
  const [lines] = await Promise.all([read(), ended]);
  return lines;
}

const counterLine = ({ boot, count, memoryErrors, diskErrors }: GuestStatus): string =>
  `boot ${boot}, count ${String(count)}, memory errors ${String(memoryErrors)}, disk errors ${String(diskErrors)}`;

function checkUnnoticed(parts: {
  readonly before: GuestStatus;
  readonly after: GuestStatus;
  readonly source: string;
  readonly target: string;
}): void {
  const { before, after, source, target } = parts;
  const complaints = [
    ...(source === target ? [`it is still on ${source}`] : []),
    ...(after.boot === before.boot ? [] : ["it booted anew"]),
    ...(after.count > before.count ? [] : ["its counter did not go on"]),
    ...(after.memoryErrors + after.dirtyErrors === 0 ? [] : ["its memory changed"]),
    ...(after.diskErrors === 0 ? [] : ["its disk has errors"]),
  ];
  if (complaints.length > 0) throw new Error(`the guest noticed: ${complaints.join(", ")}`);
}
