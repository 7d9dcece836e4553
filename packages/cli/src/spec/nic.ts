/** A NIC of a VM from a spec file or from a flag. What is wrong with it is said by the same reader as in the coordinator. PURE. */
import { invalid } from "@muster/model";
import { decodeNicDraft, encodeNic } from "@muster/model/wire";
import type { NicSpec } from "@muster/proto/types";
import { Fields, type Names } from "./fields.ts";
import { parsePairs } from "./pairs.ts";
import { parseVlanList } from "./vlan-list.ts";

const nic = {
  network: ["network"],
  mac: ["mac"],
  addresses: ["addresses"],
  noAddresses: ["noAddresses"],
  trunk: ["trunk"],
  model: ["model"],
  rates: ["rates"],
  unguarded: ["unguarded"],
  bootOrder: ["bootOrder"],
  linkDown: ["linkDown"],
} as const satisfies Record<string, Names>;

const rates = {
  inbound: ["inbound", "inboundKbytesPerSecond"],
  outbound: ["outbound", "outboundKbytesPerSecond"],
} as const satisfies Record<string, Names>;

const empty = encodeNic({ network: "" });

const checked = (wire: NicSpec, path: string): NicSpec => encodeNic(decodeNicDraft(wire, path));

const readText = (value: unknown, path: string): string => {
  if (typeof value !== "string") throw invalid(path, "must be text");
  return value;
};

/** A network may be given by its name alone. */
export function decodeNicField(value: unknown, path: string): NicSpec {
  if (typeof value === "string") return checked({ ...empty, network: value }, path);
  const fields = new Fields(value, path, Object.values(nic));
  return checked(
    {
      network: fields.requiredText(nic.network),
      mac: fields.text(nic.mac) ?? "",
      addresses: fields.list(nic.addresses, readText) ?? [],
      noAddresses: fields.flag(nic.noAddresses) ?? false,
      trunk: parseTrunk(fields.text(nic.trunk), `${path}.trunk`),
      model: fields.text(nic.model) ?? "",
      rates: fields.object(nic.rates, decodeRates),
      unguarded: fields.flag(nic.unguarded) ?? false,
      bootOrder: fields.count(nic.bootOrder) ?? 0,
      linkDown: fields.flag(nic.linkDown) ?? false,
    },
    path,
  );
}

function decodeRates(value: unknown, path: string): NicSpec["rates"] {
  const fields = new Fields(value, path, Object.values(rates));
  return {
    inboundKbytesPerSecond: fields.whole(rates.inbound) ?? 0,
    outboundKbytesPerSecond: fields.whole(rates.outbound) ?? 0,
  };
}

const parseTrunk = (text: string | undefined, path: string): NicSpec["trunk"] =>
  text === undefined || text === "" ? [] : parseVlanList(text, path);

const FLAG = "--network";
const parts = ["mac", "address", "trunk", "model", "in", "out", "guard", "boot", "link"];

/** "blue", "blue,mac=52:54:00:00:00:01" or "blue,address=10.0.0.5+2001:db8::5,link=down". */
export function parseNetworkFlag(text: string): NicSpec {
  const [name = "", ...rest] = text.split(",");
  const pairs = parsePairs(rest.join(","), FLAG, parts);
  const address = pairs.get("address") ?? "";
  const [inbound, outbound] = [pairs.get("in"), pairs.get("out")];
  return checked(
    {
      ...empty,
      network: name.replace(/^network=/, ""),
      mac: pairs.get("mac") ?? "",
      addresses: address === "" || address === "none" ? [] : address.split("+"),
      noAddresses: address === "none",
      trunk: parseTrunk(pairs.get("trunk"), `${FLAG} trunk`),
      model: pairs.get("model") ?? "",
      rates:
        inbound === undefined && outbound === undefined
          ? undefined
          : {
              inboundKbytesPerSecond: wholeNumber(inbound ?? "0", "in"),
              outboundKbytesPerSecond: wholeNumber(outbound ?? "0", "out"),
            },
      unguarded: oneOf(pairs.get("guard"), "guard", "on", "off") === "off",
      bootOrder: wholeNumber(pairs.get("boot") ?? "0", "boot"),
      linkDown: oneOf(pairs.get("link"), "link", "up", "down") === "down",
    },
    FLAG,
  );
}

function wholeNumber(text: string, part: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid(`${FLAG} ${part}`, `"${text.slice(0, 40)}" is not a whole number`);
}

function oneOf(text: string | undefined, part: string, ...words: readonly string[]): string {
  const [usual = ""] = words;
  const word = text ?? usual;
  if (words.includes(word)) return word;
  throw invalid(`${FLAG} ${part}`, `"${word.slice(0, 40)}" is not ${words.join(" or ")}`);
}
