/**
 * As much of the kernel's network as the Linux drivers change, in memory: `ip` and `bridge` with the rules that matter for the
 * order of changes. Thousands of changes a second, where the kernel lab makes a hundred; whether the rules are the kernel's is
 * what the kernel lab shows.
 */
import { MusterError } from "@muster/model";
import type { CommandRunner } from "../command-runner.ts";

interface ModelLink {
  name: string;
  kind: string;
  alias: string;
  group: string;
  altNames: string[];
  master: string | undefined;
  mtu: number;
  /** Of a bond's member: what it gets back. */
  mtuBefore: number;
  isUp: boolean;
  addresses: string[];
  readonly settings: Map<string, string>;
  readonly vlans: Map<number, readonly string[]>;
}

interface ModelRoute {
  readonly device: string;
  readonly gateway: string;
  readonly protocol: string;
}

const newLink = (name: string, kind: string): ModelLink => ({
  name,
  kind,
  alias: "",
  group: "default",
  altNames: [],
  master: undefined,
  mtu: 1500,
  mtuBefore: 1500,
  isUp: false,
  addresses: [],
  settings: new Map(),
  vlans: new Map(),
});

const isSix = (address: string): boolean => address.includes(":");

/** Words after a keyword, in pairs. */
const pairsOf = (words: readonly string[]): readonly (readonly [string, string])[] =>
  words.flatMap((word, index) =>
    index % 2 === 0 ? [[word, words[index + 1] ?? ""] as const] : [],
  );

export class ModelKernel implements CommandRunner {
  readonly #links = new Map<string, ModelLink>();
  #routes: ModelRoute[] = [];

  /** A card as hosts have it. */
  addCard(
    name: string,
    state: {
      readonly mtu?: number;
      readonly isUp?: boolean;
      readonly addresses?: readonly string[];
    } = {},
  ): void {
    const { mtu = 1500, isUp = false, addresses = [] } = state;
    const link = { ...newLink(name, "dummy"), mtu, isUp, addresses: [...addresses] };
    this.#links.set(name, link);
  }

  async run(argv: readonly string[]): Promise<string> {
    const line = argv.join(" ");
    const words = argv.slice(1).filter((word) => !word.startsWith("-"));
    if (argv[0] === "bridge") {
      return line.endsWith("vlan show") ? this.#showVlans() : this.#changeVlan(words);
    }
    if (line.endsWith("addr show")) return this.#showLinks();
    if (line.endsWith("route show default")) return this.#showRoutes(argv.includes("-6"));
    const [object = "", verb = "", ...rest] = words;
    switch (object) {
      case "link":
        this.#changeLink(verb, rest);
        return "";
      case "addr":
        this.#changeAddress(verb, rest);
        return "";
      case "route":
        this.#changeRoute(verb, rest);
        return "";
      default:
        return this.#fail(line);
    }
  }

  #fail(why: string): never {
    throw new MusterError("network-failed", `failed: ${why}`);
  }

  #find(name: string | undefined): ModelLink {
    return this.#links.get(name ?? "") ?? this.#fail(`no device ${String(name)}`);
  }

  #changeLink(verb: string, words: readonly string[]): void {
    if (verb === "add") return this.#addLink(words);
    if (verb === "del") return this.#deleteLink(words[words.indexOf("dev") + 1] ?? "");
    if (verb === "property") {
      const [change, , device, , altName = ""] = words;
      const link = this.#find(device);
      if ((change === "add") === link.altNames.includes(altName)) this.#fail(`altname ${altName}`);
      link.altNames =
        change === "add"
          ? [...link.altNames, altName]
          : link.altNames.filter((name) => name !== altName);
      return;
    }
    const [, device, word = "", ...rest] = words;
    this.#setLink(this.#find(device), word, rest);
  }

  #addLink(words: readonly string[]): void {
    const after = (word: string): string => words[words.indexOf(word) + 1] ?? "";
    const [name, kind] = [after("name"), after("type")];
    if (this.#links.has(name)) this.#fail(`device ${name} exists`);
    const link = { ...newLink(name, kind), group: after("group") };
    const options = words.slice(words.indexOf("type") + 2);
    for (const [key, value] of pairsOf(options)) link.settings.set(key, value);
    if (kind === "vlan") {
      const lower = this.#find(after("link"));
      link.settings.set("link", lower.name);
      link.mtu = lower.mtu;
    }
    this.#links.set(name, link);
  }

  #deleteLink(name: string): void {
    this.#find(name);
    for (const link of this.#links.values()) {
      if (link.master === name) this.#leave(link);
    }
    this.#links.delete(name);
    this.#routes = this.#routes.filter(({ device }) => device !== name);
    for (const link of [...this.#links.values()]) {
      if (link.kind === "vlan" && link.settings.get("link") === name) this.#deleteLink(link.name);
    }
  }

  #setLink(link: ModelLink, word: string, rest: readonly string[]): void {
    switch (word) {
      case "up":
        link.isUp = true;
        return;
      case "down":
        return this.#lower(link);
      case "alias":
        link.alias = rest[0] ?? "";
        return;
      case "mtu":
        return this.#setMtu(link, Number(rest[0]));
      case "master":
        return this.#join(link, this.#find(rest[0]));
      case "nomaster":
        return this.#leave(link);
      case "type":
        return this.#setOptions(link, rest.slice(1));
      default:
        return this.#fail(`link set ${word}`);
    }
  }

  #lower(link: ModelLink): void {
    link.isUp = false;
    link.addresses = link.addresses.filter((address) => !isSix(address));
    this.#routes = this.#routes.filter(({ device }) => device !== link.name);
  }

  #setMtu(link: ModelLink, mtu: number): void {
    if (link.kind === "vlan" && mtu > this.#find(link.settings.get("link")).mtu) {
      this.#fail(`MTU ${String(mtu)} of ${link.name} is above that below`);
    }
    link.mtu = mtu;
    for (const other of this.#links.values()) {
      if (link.kind === "bond" && other.master === link.name) other.mtu = mtu;
      const isAbove = other.kind === "vlan" && other.settings.get("link") === link.name;
      if (isAbove && other.mtu > mtu) this.#setMtu(other, mtu);
    }
    const master = link.master === undefined ? undefined : this.#links.get(link.master);
    if (master?.kind === "bridge") this.#adjust(master);
  }

  /** A bridge has the MTU of its smallest port. */
  #adjust(bridge: ModelLink): void {
    const ports = [...this.#links.values()].filter(({ master }) => master === bridge.name);
    if (ports.length > 0) bridge.mtu = Math.min(...ports.map(({ mtu }) => mtu));
  }

  #join(link: ModelLink, master: ModelLink): void {
    if (link.master !== undefined) this.#leave(link);
    if (master.kind === "bond") {
      if (link.isUp) this.#fail(`${link.name} is up`);
      link.mtuBefore = link.mtu;
      link.mtu = master.mtu;
      link.isUp = true;
    }
    link.master = master.name;
    if (master.kind !== "bridge") return;
    const isAware = master.settings.get("vlan_filtering") === "1";
    link.vlans.clear();
    if (!isAware) link.vlans.set(1, ["PVID", "Egress Untagged"]);
    this.#adjust(master);
  }

  #leave(link: ModelLink): void {
    const master = this.#links.get(link.master ?? "");
    link.master = undefined;
    link.vlans.clear();
    if (master?.kind === "bond") {
      this.#lower(link);
      link.mtu = link.mtuBefore;
    }
    if (master?.kind === "bridge") this.#adjust(master);
  }

  #setOptions(link: ModelLink, options: readonly string[]): void {
    const members = [...this.#links.values()].filter(({ master }) => master === link.name);
    for (const [key, value] of pairsOf(options)) {
      const isMode = key === "mode" || key === "lacp_rate";
      if (isMode && (link.isUp || (key === "mode" && members.length > 0))) {
        this.#fail(`${key} of ${link.name} while it is up or has members`);
      }
      link.settings.set(key, value);
    }
  }

  #changeAddress(verb: string, [address = "", , device]: readonly string[]): void {
    const link = this.#find(device);
    if ((verb === "add") === link.addresses.includes(address)) this.#fail(`address ${address}`);
    link.addresses =
      verb === "add"
        ? [...link.addresses, address]
        : link.addresses.filter((each) => each !== address);
    const hasFamily = (six: boolean): boolean => link.addresses.some((each) => isSix(each) === six);
    this.#routes = this.#routes.filter(
      (route) => route.device !== device || hasFamily(isSix(route.gateway)),
    );
  }

  #changeRoute(verb: string, words: readonly string[]): void {
    const [, , gateway = "", , device = "", , protocol = "boot"] = words;
    const isThere = this.#routes.some((route) => route.gateway === gateway);
    if ((verb === "add") === isThere) this.#fail(`route ${verb} ${gateway}`);
    if (verb !== "add") {
      this.#routes = this.#routes.filter((route) => route.gateway !== gateway);
      return;
    }
    if (!this.#find(device).isUp) this.#fail(`${device} is down`);
    this.#routes.push({ device, gateway, protocol });
  }

  #changeVlan([, verb, , device, , ids = "", ...flags]: readonly string[]): string {
    const link = this.#find(device);
    if (link.master === undefined) this.#fail(`${link.name} is no port`);
    const [first = 0, last = first] = ids.split("-").map(Number);
    for (let id = first; id <= last; id += 1) {
      if (verb === "del") link.vlans.delete(id);
      else link.vlans.set(id, flags.length > 0 ? ["PVID", "Egress Untagged"] : []);
    }
    return "";
  }

  #showVlans(): string {
    const ports = [...this.#links.values()].filter(({ vlans }) => vlans.size > 0);
    return JSON.stringify(
      ports.map(({ name, vlans }) => ({
        ifname: name,
        vlans: [...vlans]
          .toSorted(([left], [right]) => left - right)
          .map(([vlan, flags]) => ({ vlan, flags })),
      })),
    );
  }

  #showRoutes(six: boolean): string {
    const routes = this.#routes.filter(({ gateway }) => isSix(gateway) === six);
    return JSON.stringify(
      routes.map(({ device, ...rest }) => ({ dst: "default", dev: device, ...rest })),
    );
  }

  #showLinks(): string {
    return JSON.stringify([...this.#links.values()].map((link) => this.#show(link)));
  }

  #show(link: ModelLink): unknown {
    const { name, kind, alias, group, altNames, master, mtu, isUp, addresses } = link;
    return {
      ifname: name,
      flags: isUp ? ["UP", "LOWER_UP"] : [],
      mtu,
      group,
      address: "52:54:00:00:00:01",
      ...(alias === "" ? {} : { ifalias: alias }),
      ...(altNames.length === 0 ? {} : { altnames: altNames }),
      ...(master === undefined ? {} : { master }),
      ...(kind === "vlan" ? { link: link.settings.get("link") } : {}),
      linkinfo: { info_kind: kind, info_data: this.#settings(link) },
      addr_info: addresses.map((address) => {
        const [local, length] = address.split("/");
        return { local, prefixlen: Number(length), scope: "global" };
      }),
    };
  }

  #settings({ kind, settings }: ModelLink): unknown {
    const number = (key: string, otherwise = 0): number => Number(settings.get(key) ?? otherwise);
    switch (kind) {
      case "bridge":
        return {
          vlan_filtering: number("vlan_filtering"),
          vlan_default_pvid: number("vlan_default_pvid", 1),
          mcast_snooping: number("mcast_snooping", 1),
          stp_state: number("stp_state"),
        };
      case "bond":
        return {
          mode: settings.get("mode"),
          ad_lacp_rate: settings.get("lacp_rate") ?? "slow",
          xmit_hash_policy: settings.get("xmit_hash_policy"),
          miimon: number("miimon"),
          min_links: number("min_links"),
        };
      case "vlan":
        return { id: number("id") };
      case "vxlan":
        return { id: number("id"), port: number("dstport"), link: settings.get("dev") };
      default:
        return {};
    }
  }
}
