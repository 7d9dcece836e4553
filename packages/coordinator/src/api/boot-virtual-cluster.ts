/** Boots and grows virtual clusters: decides for all members in one step. */
import {
  invalid,
  MusterError,
  parseVmId,
  type ClusterLease,
  type MemberTemplate,
} from "@muster/model";
import { decodeVmSpecDraft } from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { VmSpec } from "@muster/proto/types";
import type { LedgerView } from "../ledger/view.ts";
import type { BootParameters } from "../operations/boot-cluster.ts";
import type { Accepted } from "../operations/operation-runner.ts";
import {
  decideBoot,
  parseClusterName,
  type BootDecision,
} from "../virtual-clusters/decide-boot.ts";
import { freeCluster } from "../virtual-clusters/decide-change.ts";
import { decideGrow, type GrowDecision } from "../virtual-clusters/decide-grow.ts";
import type { MemberSources } from "../virtual-clusters/make-members.ts";
import type { ComputeWish } from "../virtual-clusters/place-members.ts";
import type { PublicAddress, PublicNames } from "../virtual-clusters/public-names.ts";
import { wildMacs } from "../planning/wild-macs.ts";
import { encodeVirtualCluster } from "./encode-virtual-cluster.ts";
import { decodeWhy, type ApiParts, type Why } from "./parts.ts";
import { about, encodeNow } from "./vm-requests.ts";

/** More CPUs than any site gives to one cluster: a mistyped number must not try every host. */
const CPUS_TOTAL_MAX = 100_000;
/** A year. */
const LEASE_SECONDS_MAX = 366 * 24 * 3_600;
const WARN_SECONDS_MAX = 3_600;
const IMAGE_LENGTH_MAX = 200;
/** Races for a public address are lost only to somebody who reserved it by hand in that moment. */
const TRIES_MAX = 5;

export async function bootVirtualCluster(
  request: pb.BootVirtualClusterRequest,
  about: { readonly operator: string; readonly parts: ApiParts; readonly names: PublicNames },
): Promise<pb.BootVirtualClusterResponse> {
  const { parts, names } = about;
  const wantsName = request.name === "";
  for (let tries = 1; ; tries += 1) {
    try {
      return await names.offer(
        parts.ledger.view,
        (offered) => bootWith(request, offered, about),
        wantsName,
      );
    } catch (error) {
      if (!(error instanceof TakenAddress) || tries >= TRIES_MAX) throw error;
    }
  }
}

/** Between the look and the decision somebody was given the address. */
class TakenAddress extends MusterError {
  constructor(address: string) {
    super("busy", `public address ${address} has just been given away`, { hint: "try again" });
  }
}

async function bootWith(
  request: pb.BootVirtualClusterRequest,
  offered: PublicAddress | undefined,
  { operator, parts }: { readonly operator: string; readonly parts: ApiParts },
): Promise<pb.BootVirtualClusterResponse> {
  const why = decodeWhy(request.why);
  const name = nameOf(request, offered);
  const draft = {
    name,
    image: decodeImage(request.image),
    frontend: decodeTemplate(request.frontend, "frontend"),
    compute: decodeTemplate(request.compute, "compute"),
    computes: decodeWish(request, request.compute?.cpus ?? 0),
    ...(offered === undefined
      ? {}
      : {
          publicAddress: {
            address: offered.address,
            fullName: offered.fullName === "" ? name : offered.fullName,
          },
        }),
    ...leasePart(request.leaseSeconds, request.leaseWarnSeconds, parts),
    createdBy: operator,
  };
  const decide = (view: LedgerView): BootDecision => decideBoot(draft, sourcesOf(view, parts));
  const sources = { view: parts.ledger.view, observations: parts.observations };
  const answer = ({ cluster, network, vms, explanation }: BootDecision) => ({
    cluster: encodeVirtualCluster(cluster, sources, { network: network.spec, vms }),
    explanation: [...explanation],
  });
  if (why.dryRun) return { operation: undefined, ...answer(decide(parts.ledger.view)) };
  let decision: BootDecision | undefined;
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "cluster-boot" },
    (view): Accepted<BootParameters> => {
      if (offered !== undefined) refuseTaken(view, offered.address);
      decision = decide(view);
      const { cluster, changes, explanation } = decision;
      const [frontend, ...computes] = cluster.members.map(({ vmId }) => vmId);
      return {
        operation: {
          ...aboutCluster(why, operator, name),
          type: "cluster-boot",
          parameters: {
            name,
            ...(frontend === undefined ? {} : { frontend }),
            computes,
            tolerate: request.tolerate,
          },
          explanation,
        },
        changes,
      };
    },
  );
  // A repeat of an earlier request decides nothing: what was decided then stands in its operation.
  if (decision !== undefined)
    return { operation: encodeNow(operation, parts), ...answer(decision) };
  const known = parts.ledger.view.virtualClusters.get(
    (operation.parameters as BootParameters).name,
  );
  return {
    operation: encodeNow(operation, parts),
    cluster: known === undefined ? undefined : encodeVirtualCluster(known, sources),
    explanation: [...operation.explanation],
  };
}

function refuseTaken(view: LedgerView, address: string): void {
  const { publicNetwork } = view.virtualClusterSettings;
  const isVms = [...view.vms.values()].some(({ spec }) =>
    spec.nics.some(
      (nic) => nic.network === publicNetwork && nic.addresses?.includes(address) === true,
    ),
  );
  const isKept = view.addresses.has(`${String(publicNetwork)}/${address}`);
  if (isVms || isKept) throw new TakenAddress(address);
}

/** The first label of the public address's name, as pragma_boot had it, unless a name was given. */
function nameOf(
  { name }: pb.BootVirtualClusterRequest,
  offered: PublicAddress | undefined,
): string {
  if (name !== "") return parseClusterName(name, "name");
  if (offered === undefined) {
    throw invalid(
      "name",
      "is required: clusters have no public address to be named after",
      "give --name, or a public network: muster cluster settings set --public NETWORK",
    );
  }
  const [label = ""] = offered.fullName.split(".");
  if (label === "") {
    throw invalid(
      "name",
      `is required: public address ${offered.address} has no name in DNS`,
      "give --name, or the address a PTR record",
    );
  }
  return parseClusterName(label, `name (of ${offered.fullName}, ${offered.address})`);
}

function decodeImage(text: string): string {
  if (text.length > IMAGE_LENGTH_MAX) throw invalid("image", "is too long");
  return text;
}

export function decodeTemplate(wire: VmSpec | undefined, field: string): MemberTemplate {
  if (wire === undefined) throw invalid(field, "is required");
  const draft = decodeVmSpecDraft({ ...wire, name: field, cpus: wire.cpus || 1 }, field);
  const { name: _name, nics, ...template } = draft;
  const own = nics.findIndex((nic) => nic.mac !== undefined || (nic.addresses?.length ?? 0) > 0);
  if (own >= 0 && field !== "frontend") {
    const at = `${field}.nics[${String(own)}]`;
    throw invalid(at, "has a MAC or an address, and every member would have the same");
  }
  return { ...template, extraNics: nics };
}

function decodeWish(
  { cpusTotal, computes }: { readonly cpusTotal: number; readonly computes: number },
  cpusEach: number,
): ComputeWish {
  if (cpusTotal > 0 && computes > 0) {
    throw invalid("computes", "give a number of CPUs or of computes, not both");
  }
  if (cpusTotal > CPUS_TOTAL_MAX) {
    throw invalid("cpus_total", `at most ${String(CPUS_TOTAL_MAX)} are allowed`);
  }
  if (cpusTotal > 0) return { kind: "cpus", total: cpusTotal };
  if (computes > 0) return { kind: "count", count: computes, cpusEach: cpusEach || 1 };
  return { kind: "none" };
}

export function leasePart(
  seconds: number,
  warnSeconds: number,
  { clock }: Pick<ApiParts, "clock">,
): { readonly lease?: ClusterLease } {
  if (seconds === 0) return {};
  if (seconds > LEASE_SECONDS_MAX) {
    throw invalid("lease_seconds", `at most ${String(LEASE_SECONDS_MAX)} (a year)`);
  }
  if (warnSeconds > seconds) throw invalid("lease_warn_seconds", "is longer than the lease");
  const warn =
    warnSeconds === 0 ? Math.min(WARN_SECONDS_MAX, Math.ceil(seconds / 10)) : warnSeconds;
  const endsAt = new Date(clock.wall().getTime() + seconds * 1_000).toISOString();
  return { lease: { endsAt, warnSeconds: warn } };
}

export const aboutCluster = (why: Why, operator: string, name: string) => ({
  ...about(why, operator),
  subject: `virtual-cluster/${name}`,
});

const sourcesOf = (view: LedgerView, parts: ApiParts): MemberSources => ({
  view,
  snapshot: parts.snapshots.take(),
  wildMacs: wildMacs(parts.observations),
  newVmId: () => parseVmId(parts.random.uuid()),
  now: parts.clock.wall().toISOString(),
});

export async function growVirtualCluster(
  request: pb.GrowVirtualClusterRequest,
  operator: string,
  parts: ApiParts,
): Promise<pb.GrowVirtualClusterResponse> {
  const why = decodeWhy(request.why);
  const decide = (view: LedgerView): GrowDecision => {
    const cluster = freeCluster(view, request.name);
    const wish = decodeWish(request, cluster.compute.cpus);
    if (wish.kind === "none") throw invalid("computes", "is required", "--cpus N or --nodes N");
    return decideGrow(cluster, wish, sourcesOf(view, parts));
  };
  if (why.dryRun) {
    return { operation: undefined, explanation: [...decide(parts.ledger.view).explanation] };
  }
  const operation = await parts.runner.submit(
    { requestId: why.requestId, type: "cluster-grow" },
    (view): Accepted<BootParameters> => {
      const { vms, changes, explanation } = decide(view);
      const { name, tolerate } = request;
      return {
        operation: {
          ...aboutCluster(why, operator, name),
          type: "cluster-grow",
          parameters: { name, computes: vms.map(({ id }) => id), tolerate },
          explanation,
        },
        changes,
      };
    },
  );
  return {
    operation: encodeNow(operation, parts),
    explanation: [...operation.explanation],
  };
}
