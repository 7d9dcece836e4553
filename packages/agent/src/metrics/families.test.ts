import { renderMetrics } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { agentFamilies } from "./families.ts";
import { anAgentSummary } from "./testing/a-summary.ts";

async function lines(change: Partial<ReturnType<typeof anAgentSummary>> = {}): Promise<string[]> {
  return (await renderMetrics(agentFamilies({ ...anAgentSummary(), ...change }))).split("\n");
}

describe("per-VM series", () => {
  it("have libvirt-exporter's names and labels", async () => {
    const text = await lines();
    expect(text).toContain("libvirt_up 1");
    expect(text).toContain('libvirt_domain_info_vstate{domain="web-1"} 1');
    expect(text).toContain('libvirt_domain_info_vstate{domain="db-1"} 3');
    expect(text).toContain('libvirt_domain_info_virtual_cpus{domain="web-1"} 2');
    expect(text).toContain('libvirt_domain_info_memory_usage_bytes{domain="web-1"} 2147483648');
    expect(text).toContain('libvirt_domain_info_cpu_time_seconds_total{domain="web-1"} 12.5');
    expect(text).toContain('libvirt_domain_memory_stats_rss_bytes{domain="web-1"} 1073741824');
    expect(text).toContain(
      'libvirt_domain_block_stats_write_bytes_total{domain="db-1",target_device="vdb"} 6',
    );
    expect(text).toContain(
      'libvirt_domain_interface_stats_receive_bytes_total{domain="db-1",target_device="vnet3"} 9',
    );
    expect(text).toContain(
      'libvirt_domain_info_meta{domain="web-1",uuid="00000000-0000-4000-8000-000000000011",instance_name="web-1",managed="true"} 1',
    );
  });

  it("show sums as one device where nothing finer is known", async () => {
    expect(await lines()).toContain(
      'libvirt_domain_block_stats_read_bytes_total{domain="web-1",target_device="all"} 1000',
    );
  });

  it("of a stopped VM have no counters, and any name is quoted", async () => {
    const text = await lines();
    const wild = text.filter((line) => line.includes('wild \\"one\\"\\n'));
    expect(wild).toContain('libvirt_domain_info_vstate{domain="wild \\"one\\"\\n"} 5');
    expect(wild.some((line) => line.includes("_total"))).toBe(false);
  });
});

describe("the agent's own series", () => {
  it("show its session, its work and its certificate", async () => {
    const text = await lines();
    expect(text).toContain("muster_agent_connected 1");
    expect(text).toContain('muster_agent_reports_sent_total{kind="delta"} 40');
    expect(text).toContain('muster_agent_commands_total{kind="start-vm",outcome="succeeded"} 5');
    expect(text).toContain("muster_agent_certificate_expires_seconds 86400");
    expect(text).toContain("muster_agent_host_cpu_used_ratio 0.25");
    expect(text).toContain('muster_agent_network_paths{network="blue",state="bad"} 1');
    expect(text).toContain('muster_agent_guarded_nics{state="failed"} 1');
  });

  it("say when libvirt does not answer", async () => {
    expect(await lines({ libvirtAlive: false, vms: [] })).toContain("libvirt_up 0");
  });
});
