/** A live migration of a simulated VM, watched on its console. */
import type { MusterCommand } from "./muster-command.ts";
import type { Story } from "./story.ts";

const VM = "blue-1";
/** So slow that there is something to watch: 256 MiB and what the guest writes meanwhile. */
const BANDWIDTH_MIB_PER_SECOND = "64";

interface Reading {
  readonly boot: string;
  readonly count: number;
}

/** @throws Error when the guest noticed. */
export async function showSimulatedMigration(muster: MusterCommand, story: Story): Promise<void> {
  const source = await hostOf(muster);
  const before = await readCounter(muster);
  story.say(`before, on ${source}, console:  ${render(before)}`);
  const words = ["vm", "migrate", VM, "--bandwidth", BANDWIDTH_MIB_PER_SECOND];
  const id = await muster.begin([...words, "--reason", "quickstart"]);
  story.say(
    `$ muster ${words.join(" ")} --reason quickstart   (64 MiB/s, so that there is something to watch)`,
  );
  const during = await readCounter(muster);
  const { state } = await muster.json<{ readonly state: string }>(["op", "show", id]);
  story.say(`during (operation ${state}), console:  ${render(during)}`);
  await muster.run(["op", "watch", id]);
  const target = await hostOf(muster);
  const after = await readCounter(muster);
  story.say(`after, on ${target}, console:   ${render(after)}`);
  await muster.show(["op", "show", id]);
  const complaints = [
    ...(source === target ? [`it is still on ${source}`] : []),
    ...(before.boot === after.boot ? [] : ["it booted anew"]),
    ...(before.count <= during.count && during.count < after.count ? [] : ["it lost count"]),
  ];
  if (complaints.length > 0) throw new Error(`the guest noticed: ${complaints.join(", ")}`);
  story.say("the guest did not notice: same boot, and its counter went on");
}

async function hostOf(muster: MusterCommand): Promise<string> {
  const { host } = await muster.json<{ readonly host: string }>(["vm", "show", VM]);
  return host;
}

/** The last line that its console shows within a second and a half. */
async function readCounter(muster: MusterCommand): Promise<Reading> {
  const printed = await muster.run(["vm", "console", VM, "--for", "1500ms"]);
  const match = [...printed.matchAll(/ boot=(\w+) count=(\d+)/g)].at(-1);
  const [, boot, count] = match ?? [];
  if (boot === undefined || count === undefined) {
    throw new Error(`the console of ${VM} shows no counter: ${JSON.stringify(printed)}`);
  }
  return { boot, count: Number(count) };
}

const render = ({ boot, count }: Reading): string => `boot ${boot}, count ${String(count)}`;
