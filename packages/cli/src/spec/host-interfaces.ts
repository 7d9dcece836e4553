/** A host's own bonds and interfaces in a file. What `host interfaces show -o yaml` prints under `spec` can be given back. PURE. */
import { invalid, MusterError } from "@muster/model";
import { decodeHostInterfacesSpec, encodeHostInterfacesSpec } from "@muster/model/wire";
import type {
  BondSpec,
  HostInterfaceSpec,
  HostInterfacesSpec,
  NicMatch,
} from "@muster/proto/types";
import { Fields, type Names } from "./fields.ts";
import { parseNicMatch, renderNicMatch } from "./nic-match.ts";
import { parseYaml } from "./spec-file.ts";

const root = {
  host: ["host"],
  bonds: ["bonds"],
  interfaces: ["interfaces"],
} as const satisfies Record<string, Names>;

const bond = {
  name: ["name"],
  mode: ["mode"],
  lacpFast: ["lacpFast"],
  transmitHash: ["transmitHash", "hash"],
  miimonMs: ["miimonMs"],
  minLinks: ["minLinks"],
  members: ["members", "nics"],
} as const satisfies Record<string, Names>;

const own = {
  nic: ["nic"],
  bond: ["bond"],
  vlan: ["vlan"],
  bridge: ["bridge"],
  source: ["source"],
  addresses: ["addresses"],
  gateway: ["gateway"],
  dns: ["dns"],
  mtu: ["mtu"],
} as const satisfies Record<string, Names>;

const readText = (value: unknown, path: string): string => {
  if (typeof value !== "string") throw invalid(path, "must be text");
  return value;
};

const readNic = (value: unknown, path: string): NicMatch => parseNicMatch(readText(value, path));

function readBond(value: unknown, path: string): BondSpec {
  const fields = new Fields(value, path, Object.values(bond));
  return {
    name: fields.requiredText(bond.name),
    mode: fields.text(bond.mode) ?? "active-backup",
    lacpFast: fields.flag(bond.lacpFast) ?? false,
    transmitHash: fields.text(bond.transmitHash) ?? "",
    miimonMs: fields.whole(bond.miimonMs) ?? 0,
    minLinks: fields.whole(bond.minLinks) ?? 0,
    members: fields.list(bond.members, readNic) ?? [],
  };
}

function readInterface(value: unknown, path: string): HostInterfaceSpec {
  const fields = new Fields(value, path, Object.values(own));
  const nic = fields.text(own.nic);
  const onBond = fields.text(own.bond) ?? "";
  if (nic === undefined && onBond === "") {
    throw invalid(`${path}.nic`, "is required, or bond", "nic: eth0");
  }
  return {
    nic: nic === undefined ? undefined : parseNicMatch(nic),
    bond: onBond,
    vlan: fields.whole(own.vlan) ?? 0,
    bridge: fields.text(own.bridge) ?? "",
    source: fields.text(own.source) ?? "",
    addresses: fields.list(own.addresses, readText) ?? [],
    gateway: fields.text(own.gateway) ?? "",
    dns: fields.list(own.dns, readText) ?? [],
    mtu: fields.whole(own.mtu) ?? 0,
  };
}

/** `host` is whom it is for; a file that names another is refused. Throws `invalid` with file, field and the fix. */
export function parseHostInterfaces(
  text: string,
  { source, host }: { readonly source: string; readonly host: string },
): HostInterfacesSpec {
  const value = parseYaml(text, source);
  try {
    const fields = new Fields(value, "", Object.values(root));
    const named = fields.text(root.host) ?? host;
    if (named !== host) {
      throw invalid("host", `is ${named}, not ${host}`, `muster host interfaces set ${named}`);
    }
    const wire = {
      host,
      bonds: fields.list(root.bonds, readBond) ?? [],
      interfaces: fields.list(root.interfaces, readInterface) ?? [],
    };
    return encodeHostInterfacesSpec(decodeHostInterfacesSpec(wire, ""));
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    throw new MusterError(error.code, `in ${source}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.cause === undefined ? {} : { cause: error.cause }),
    });
  }
}

/** As a file has it. */
export const hostInterfacesView = ({ host, bonds, interfaces }: HostInterfacesSpec) => ({
  host,
  bonds: bonds.map((each) => ({ ...each, members: each.members.map(renderNicMatch) })),
  interfaces: interfaces.map(({ nic, bond: onBond, ...rest }) => ({
    ...(nic === undefined ? { bond: onBond } : { nic: renderNicMatch(nic) }),
    ...rest,
  })),
});
