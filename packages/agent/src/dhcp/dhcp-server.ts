/** What the agent needs to serve addresses: one port, implemented by dnsmasq. */
import type { DhcpNetwork } from "./plan-dhcp.ts";

export interface DhcpServer {
  /**
   * Serves exactly these networks on this host. Idempotent. Answers why some are not served, by network.
   * @throws MusterError "network-failed" when the host cannot be asked
   */
  keep(networks: readonly DhcpNetwork[]): Promise<ReadonlyMap<string, string>>;
  /** Called when a server ended that should run: `keep` starts it again. */
  onEnded(listener: () => void): void;
  /** Ends what it started; the next agent starts it again. */
  stop(): Promise<void>;
}
