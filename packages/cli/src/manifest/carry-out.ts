/** Asks the coordinator to make one thing as a manifest wants it. */
import { MusterError } from "@muster/model";
import { AdminService, type Operation, type Why } from "@muster/proto/admin";
import type { AdminConnection } from "../connection/admin-connection.ts";
import type { Change, Current } from "./plan.ts";

export interface Permission {
  readonly keepGoing: boolean;
  readonly overrideProtected: boolean;
}

export interface Begun {
  /** Unset: it is done already. */
  readonly operation?: Operation | undefined;
  /** "on h1, h2" */
  readonly result: string;
}

export async function fetchCurrent(admin: AdminConnection): Promise<Current> {
  const [networks, uplinks, addresses, rules] = await Promise.all([
    admin.call(AdminService.listNetworks, { doing: "list networks", request: { name: "" } }),
    admin.call(AdminService.listUplinks, { doing: "list uplinks", request: { label: "" } }),
    admin.call(AdminService.listAddresses, { doing: "list addresses", request: { network: "" } }),
    admin.call(AdminService.listRules, { doing: "list rules", request: { name: "" } }),
  ]);
  return {
    networks: networks.networks.flatMap(({ spec }) => (spec === undefined ? [] : [spec])),
    uplinks: uplinks.uplinks.flatMap(({ spec }) => (spec === undefined ? [] : [spec])),
    addresses: addresses.addresses,
    rules: rules.rules.flatMap(({ rule }) => (rule === undefined ? [] : [rule])),
  };
}

const onHosts = (hosts: readonly string[]): string =>
  hosts.length === 0 ? "on no host yet" : `on ${hosts.join(", ")}`;

/** With a dry run in `why` nothing is changed; it throws what the coordinator refuses, naming the document. */
export async function carryOut(
  admin: AdminConnection,
  change: Change,
  parts: { readonly why: Why; readonly permission: Permission },
): Promise<Begun> {
  try {
    return await ask(admin, change, parts);
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    throw new MusterError(error.code, `${change.where} (${change.title}): ${error.message}`, {
      cause: error.cause,
      reasons: error.reasons,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

async function ask(
  admin: AdminConnection,
  { wanted, title, action }: Change,
  { why, permission }: { readonly why: Why; readonly permission: Permission },
): Promise<Begun> {
  const doing = `${action} ${title}`;
  if (wanted.kind === "address") {
    const request = { ...wanted.spec, why };
    const { address } = await admin.call(AdminService.reserveAddress, { doing, request });
    return { result: address };
  }
  if (wanted.kind === "rule") {
    const request = { rule: wanted.spec, replace: action === "change", why };
    const { rule } = await admin.call(AdminService.createRule, { doing, request });
    const broken = rule?.broken ?? [];
    return { result: broken.length === 0 ? "kept" : `not so now: ${broken.join("; ")}` };
  }
  if (wanted.kind === "uplink") {
    const request = { spec: wanted.spec, ...permission, why };
    const { operation, hosts } = await admin.call(AdminService.setUplink, { doing, request });
    return { operation, result: onHosts(hosts) };
  }
  if (action === "create") {
    const request = { spec: wanted.spec, why };
    const { operation, hosts } = await admin.call(AdminService.createNetwork, { doing, request });
    return { operation, result: onHosts(hosts) };
  }
  const request = { spec: wanted.spec, ...permission, why };
  const { operation, hosts } = await admin.call(AdminService.setNetwork, { doing, request });
  return { operation, result: onHosts(hosts) };
}
