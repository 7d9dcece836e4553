/** What a real host does on its networks for guests: probes, guards, addresses. */
import type { HostId } from "@muster/model";
import { systemClock, type Log } from "@muster/runtime";
import type { AgentNetworkPorts } from "../agent-networks.ts";
import { DnsmasqServer } from "../dhcp/dnsmasq-server.ts";
import { ASK_NAMESPACE } from "../footholds/foothold.ts";
import { Footholds } from "../footholds/footholds.ts";
import { processRunner as runner } from "../networks/command-runner.ts";
import type { NetworksConfig } from "../networks/networks-config.ts";
import { NftablesGuards } from "../nic-guards/nftables-guards.ts";
import { OpenflowGuards } from "../nic-guards/openflow-guards.ts";
import { NeighbourProber } from "../probes/address-prober.ts";
import { PingProber, probeFoothold } from "../probes/ping-prober.ts";

export function openGuestNetworks(
  { probeIntervalMs, dhcpDirectory }: NetworksConfig,
  parts: { readonly hostId: HostId; readonly hasOpenvswitch: boolean; readonly log: Log },
): Pick<AgentNetworkPorts, "probing" | "dhcp" | "addressProber" | "guards"> {
  const { hostId, hasOpenvswitch, log } = parts;
  const footholds = new Footholds(runner, { hasOpenvswitch });
  return {
    probing: {
      prober: new PingProber({
        ...{ hostId, runner, log },
        keepFootholds: (wanted) => footholds.keep("p", wanted),
      }),
      periodMs: probeIntervalMs,
    },
    dhcp: new DnsmasqServer({
      ...{ hostId, runner, log, clock: systemClock },
      directory: dhcpDirectory,
      keepFootholds: (wanted) => footholds.keep("d", wanted),
    }),
    addressProber: new NeighbourProber({
      ...{ runner, clock: systemClock },
      // Its own: rounds of probes make and remove theirs as they please.
      footholdOn: (network, observed) => {
        const foothold = probeFoothold(hostId, network, observed);
        return foothold && { ...foothold, purpose: "a", namespace: ASK_NAMESPACE };
      },
      borrowFoothold: (foothold, work) => footholds.borrow(foothold, work),
    }),
    guards: hasOpenvswitch ? new OpenflowGuards(runner) : new NftablesGuards(runner),
  };
}
