/** How a network is: who can use it, who hears whom, what clashes. */
import type { HostRecord, ProbeResult } from "@muster/model";
import type * as pb from "@muster/proto/admin";
import type { CallContext } from "@muster/runtime";
import { findNetwork } from "../ledger/view.ts";
import { pairProblem } from "../observations/probe-verdict.ts";
import { vmsOn } from "../planning/check-network.ts";
import {
  addressClashes,
  macClashes,
  renderAddressClash,
  renderClash,
} from "../planning/clashes.ts";
import { byName, encodeNetwork } from "./networks.ts";
import type { ApiParts } from "./parts.ts";

export function networkCheckHandlers(parts: ApiParts) {
  return {
    async checkNetwork(
      request: pb.CheckNetworkRequest,
      context: CallContext,
    ): Promise<pb.CheckNetworkResponse> {
      parts.operatorOf(context);
      const { view } = parts.ledger;
      const network = findNetwork(view, request.name);
      const { name, mtu } = network.spec;
      const macs = new Set(
        vmsOn(view, name).flatMap((vm) =>
          vm.spec.nics.filter((nic) => nic.network === name).map((nic) => nic.mac),
        ),
      );
      return {
        network: encodeNetwork(network, parts),
        pairs: [...view.hosts.values()].toSorted(byName).flatMap((host) =>
          parts.observations
            .probesOf(host.id)
            .filter((result) => result.network === name)
            .map((result) => encodePair(host, result, { mtu, parts })),
        ),
        clashes: [
          ...macClashes(view, parts.observations)
            .filter(({ mac }) => macs.has(mac))
            .map(renderClash),
          ...addressClashes(view)
            .filter((clash) => clash.network === name)
            .map(renderAddressClash),
        ],
      };
    },
  };
}

function encodePair(
  host: HostRecord,
  result: ProbeResult,
  { mtu, parts }: { readonly mtu: number; readonly parts: ApiParts },
): pb.ProbePair {
  const { peer, sent, received, mtuBytes, roundTripUs } = result;
  const other = parts.ledger.view.hosts.get(peer);
  return {
    fromHost: host.name,
    toHost: other?.name ?? peer,
    sent,
    received,
    mtuBytes,
    roundTripUs,
    problem: pairProblem(result, mtu) ?? "",
  };
}
