/**
 * A migration driven by the client: virDomainMigrate3 (1.1.0). Five steps, of which the daemons each see their own,
 * with a cookie passed along. Peer-to-peer migration (migrateToUri) survives the client; this one does not, but the
 * source need not reach the destination's daemon.
 */
import type { Connection } from "../../connection.ts";
import { LibvirtError } from "../../errors.ts";
import type { CallOptions } from "../../pending-call.ts";
import { callRemote } from "../../procedures.ts";
import { domainState } from "../../protocol/generated/enums.ts";
import { domainMigrateFlags, type DomainMigrateFlag } from "../../protocol/generated/flags.ts";
import type { NonnullDomain } from "../../protocol/generated/structures.ts";
import { bitsOf, nameOf } from "../../protocol/names.ts";
import type { TypedParameter } from "../../xdr/typed-parameters.ts";

export interface MigrationPlan {
  readonly source: Connection;
  readonly destination: Connection;
  readonly domain: NonnullDomain;
  readonly flags: number;
  readonly params: readonly TypedParameter[];
  readonly limits: CallOptions;
}

const NO_COOKIE = new Uint8Array(0);
/** Only the source may act on these. */
const SOURCE_ONLY = ["abortOnError", "autoConverge"] as const;
const migrateBits = (...names: readonly DomainMigrateFlag[]) => bitsOf(domainMigrateFlags, names);

const replace = (params: readonly TypedParameter[], field: string, value: string) => [
  ...params.filter((each) => each.field !== field),
  { field, kind: "string", value } as const,
];

/** Resolves with the domain on the destination. Rejects with the error of the first step that failed. */
export async function runManagedMigration(plan: MigrationPlan): Promise<NonnullDomain> {
  const { source, destination, domain: dom, limits } = plan;
  // While it goes on nobody else may start or change the domain on the source.
  const sourceFlags = plan.flags | migrateBits("changeProtection");
  const begun = await begin(plan, sourceFlags);
  let params = replace(plan.params, "destination_xml", begun.xml);
  const destinationFlags = (plan.flags | begun.pausedFlag) & ~migrateBits(...SOURCE_ONLY);
  const confirm = (cookie: Uint8Array, cancelled: boolean) => {
    const args = {
      dom,
      params,
      cookie_in: cookie,
      flags: sourceFlags,
      cancelled: cancelled ? 1 : 0,
    };
    return callRemote(source, "domainMigrateConfirm3Params", args);
  };
  let cookie: Uint8Array;
  try {
    const args = { params, cookie_in: begun.cookie, flags: destinationFlags };
    const name = "domainMigratePrepare3Params";
    const prepared = await callRemote(destination, name, args, limits);
    if (prepared.uri_out !== null) params = replace(params, "migrate_uri", prepared.uri_out);
    cookie = prepared.cookie_out;
  } catch (error) {
    await confirm(NO_COOKIE, true);
    throw error;
  }
  const performed = await perform(plan, { params, cookie, flags: sourceFlags });
  const finished = await finish(plan, {
    params: withName(params, dom.name),
    cookie: performed.cookie,
    flags: destinationFlags,
    isCancelled: performed.error !== null,
  });
  await confirm(finished.cookie, finished.domain === null);
  const failure = performed.error ?? finished.error;
  if (failure) throw failure;
  if (!finished.domain) throw new Error("the destination did not start the domain");
  return finished.domain;
}

async function begin(plan: MigrationPlan, flags: number) {
  const { source, domain: dom, params, limits } = plan;
  const args = { dom, params, flags };
  const begun = await callRemote(source, "domainMigrateBegin3Params", args, limits);
  const { state } = await callRemote(source, "domainGetState", { dom, flags: 0 }, limits);
  const isPaused = nameOf(domainState, state) === "paused";
  return {
    xml: begun.xml,
    cookie: begun.cookie_out,
    pausedFlag: isPaused ? migrateBits("paused") : 0,
  };
}

interface Step {
  readonly params: readonly TypedParameter[];
  readonly cookie: Uint8Array;
  readonly flags: number;
}

/** A failure is not thrown: the destination must clean up first. */
async function perform(
  { source, domain: dom, limits }: MigrationPlan,
  { params, cookie, flags }: Step,
): Promise<{ readonly cookie: Uint8Array; readonly error: Error | null }> {
  if (flags & migrateBits("offline")) return { cookie, error: null };
  try {
    const args = { dom, dconnuri: null, params, cookie_in: cookie, flags };
    const done = await callRemote(source, "domainMigratePerform3Params", args, limits);
    return { cookie: done.cookie_out, error: null };
  } catch (error) {
    return { cookie: NO_COOKIE, error: error as Error };
  }
}

async function finish(
  { destination }: MigrationPlan,
  { params, cookie, flags, isCancelled }: Step & { readonly isCancelled: boolean },
): Promise<{
  readonly domain: NonnullDomain | null;
  readonly cookie: Uint8Array;
  readonly error: Error | null;
}> {
  const args = { params, cookie_in: cookie, flags, cancelled: isCancelled ? 1 : 0 };
  try {
    const done = await callRemote(destination, "domainMigrateFinish3Params", args);
    return { domain: isCancelled ? null : done.dom, cookie: done.cookie_out, error: null };
  } catch (error) {
    // A cancelled migration is answered with an error, which is as it should be.
    if (isCancelled && error instanceof LibvirtError) {
      return { domain: null, cookie: NO_COOKIE, error: null };
    }
    return { domain: null, cookie: NO_COOKIE, error: error as Error };
  }
}

function withName(params: readonly TypedParameter[], name: string): readonly TypedParameter[] {
  const isNamed = params.some(({ field }) => field === "destination_name");
  return isNamed ? params : replace(params, "destination_name", name);
}
