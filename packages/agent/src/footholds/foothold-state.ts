/** What of footholds is on the host. */
import { isMusterError } from "@muster/model";
import type { CommandRunner } from "../networks/command-runner.ts";
import { listOf, parseJson, recordOf, textOf } from "../networks/json-reader.ts";
import { LIST_LINKS, parseKernelLinks, type KernelLink } from "../networks/links/kernel-links.ts";
import { FOOTHOLD_MARK } from "../networks/openvswitch/openvswitch-marks.ts";
import { OVS_VSCTL } from "../networks/openvswitch/openvswitch-state.ts";
import {
  optionalNumberColumn,
  parseOvsdbTables,
  textColumn,
} from "../networks/openvswitch/ovsdb-table.ts";
import { NAMESPACE_PREFIX } from "./foothold.ts";

export interface FootholdState {
  readonly links: ReadonlyMap<string, KernelLink>;
  /** Names of the devices in our namespaces, by namespace. One that cannot be entered has none. */
  readonly namespaces: ReadonlyMap<string, ReadonlySet<string>>;
  /** Tags of our ports on Open vSwitch, by port. */
  readonly ports: ReadonlyMap<string, number | undefined>;
}

const LIST_PORTS: readonly string[] = [
  ...OVS_VSCTL,
  ...["--format=json", "--columns=name,tag", "find", "Port"],
  `external_ids:${FOOTHOLD_MARK.key}=${FOOTHOLD_MARK.value}`,
];

/** `hasOpenvswitch`: asked only where it is used. */
export async function readFootholdState(
  runner: CommandRunner,
  { hasOpenvswitch }: { readonly hasOpenvswitch: boolean },
): Promise<FootholdState> {
  return {
    links: parseKernelLinks(await runner.run(LIST_LINKS)),
    namespaces: await readNamespaces(runner),
    ports: hasOpenvswitch ? await readPorts(runner) : new Map<string, number | undefined>(),
  };
}

async function readPorts(runner: CommandRunner): Promise<ReadonlyMap<string, number | undefined>> {
  const [rows = []] = parseOvsdbTables(await runner.run(LIST_PORTS));
  return new Map(rows.map((row) => [textColumn(row, "name"), optionalNumberColumn(row, "tag")]));
}

async function readNamespaces(
  runner: CommandRunner,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const text = (await runner.run(["ip", "-j", "netns", "list"])).trim();
  const what = "the list of network namespaces";
  const names = (text === "" ? [] : listOf(parseJson(text, what), what))
    .map((each) => textOf(recordOf(each, what)["name"], what))
    .filter((name) => name.startsWith(NAMESPACE_PREFIX));
  const namespaces = new Map<string, ReadonlySet<string>>();
  for (const name of names) namespaces.set(name, await readInside(runner, name));
  return namespaces;
}

/** Empty also when only its file is left: whoever mounted it ended, and the namespace with it. */
async function readInside(runner: CommandRunner, namespace: string): Promise<ReadonlySet<string>> {
  try {
    const text = await runner.run(["ip", "-j", "-n", namespace, "link", "show"]);
    const what = `devices in ${namespace}`;
    const links = listOf(parseJson(text, what), what).map((each) => recordOf(each, what));
    return new Set(links.map((link) => textOf(link["ifname"], what)));
  } catch (error) {
    if (isMusterError(error)) return new Set();
    throw error;
  }
}
