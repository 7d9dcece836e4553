/**
 * Moves a VM away from the host this runs on, as an agent there would, and says so line by line in JSON. For
 * `libvirt-hypervisor.live.test.ts`: reachability and mounts are those of the process that asks.
 *
 * Usage: move-vm.ts migrate|reattach ACTION-JSON [CANCEL-AFTER-MS]
 */
import { detailOf, type MigrateAction, type MigrationStats } from "@muster/model";
import { systemClock } from "@muster/runtime";
import { LibvirtHypervisor } from "../libvirt-hypervisor.ts";

const say = (line: object): void => {
  const plain = (_key: string, value: unknown): unknown =>
    typeof value === "bigint" ? Number(value) : value;
  process.stdout.write(`${JSON.stringify(line, plain)}\n`);
};

const [verb = "", json = "", cancelAfterMs] = process.argv.slice(2);
const action = JSON.parse(json) as MigrateAction;
const quiet = (fields: object, message: string): void => {
  say({ log: message, ...fields });
};

await using hypervisor = await LibvirtHypervisor.open({
  target: { uri: "qemu:///system" },
  clock: systemClock,
  log: { info: quiet, warn: quiet },
});
const signal =
  cancelAfterMs === undefined
    ? new AbortController().signal
    : AbortSignal.timeout(Number(cancelAfterMs));
const watcher = {
  signal,
  onProgress: (phase: string, stats: MigrationStats) => {
    say({ phase, ...stats });
  },
};
try {
  const stats =
    verb === "reattach"
      ? await hypervisor.migration.reattach(action.vmId, watcher)
      : await hypervisor.migration.migrate(action, watcher);
  say({ result: stats ?? "nothing to reattach to" });
} catch (error) {
  say({ error: detailOf(error) });
}
