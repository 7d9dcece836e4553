/** How many frames a VM has sent on this host, by the kernel's count of its ports. */
import { readFile } from "node:fs/promises";
import type { VmId } from "@muster/model";
import type { CommandRunner } from "../networks/command-runner.ts";
import { LIST_LINKS, parseKernelLinks } from "../networks/links/kernel-links.ts";
import { isTapOf } from "../networks/linux-bridge/linux-bridge-marks.ts";
import { VM_KEY } from "../networks/openvswitch/openvswitch-marks.ts";
import { OVS_VSCTL } from "../networks/openvswitch/openvswitch-state.ts";
import { parseOvsdbTables, textColumn } from "../networks/openvswitch/ovsdb-table.ts";

export class PortCounters {
  readonly #runner: CommandRunner;
  readonly #hasOpenvswitch: boolean;
  /** Of the VM that was asked about last: its ports do not change while it is looked at. */
  #known: { readonly vmId: VmId; readonly ports: readonly string[] } | undefined;

  constructor(runner: CommandRunner, options: { readonly hasOpenvswitch: boolean }) {
    this.#runner = runner;
    this.#hasOpenvswitch = options.hasOpenvswitch;
  }

  /** What the guest sends, its port receives. */
  async framesSent(vmId: VmId): Promise<number> {
    if (this.#known?.vmId !== vmId) this.#known = { vmId, ports: await this.#portsOf(vmId) };
    try {
      const counts = await Promise.all(this.#known.ports.map(framesReceived));
      return counts.reduce((sum, count) => sum + count, 0);
    } catch {
      // It was here before, on other ports: they are looked for again.
      this.#known = undefined;
      return 0;
    }
  }

  async #portsOf(vmId: VmId): Promise<readonly string[]> {
    if (!this.#hasOpenvswitch) {
      const links = parseKernelLinks(await this.#runner.run(LIST_LINKS));
      return [...links.values()].filter((link) => isTapOf(link, vmId)).map(({ name }) => name);
    }
    const find = ["--format=json", "--columns=name", "find", "Interface"];
    const text = await this.#runner.run([...OVS_VSCTL, ...find, `external_ids:${VM_KEY}=${vmId}`]);
    const [rows = []] = parseOvsdbTables(text);
    return rows.map((row) => textColumn(row, "name"));
  }
}

async function framesReceived(device: string): Promise<number> {
  const path = `/sys/class/net/${device}/statistics/rx_packets`;
  return Number((await readFile(path, "utf8")).trim());
}
