/**
 * Per-VM series with the names and labels of libvirt-exporter, so that its dashboards and alerts go on working.
 * PURE.
 */
import type { VmState } from "@muster/model";
import { single, type MetricFamily, type MetricSample } from "@muster/runtime";
import type { DiskCounters, NicCounters, VmSummary } from "./summary.ts";

/** virDomainState, which is what vstate shows. */
const virDomainStates: Readonly<Record<VmState, number>> = {
  running: 1,
  paused: 3,
  stopping: 4,
  stopped: 5,
  crashed: 6,
};

/** The device name under which sums are shown. */
const ALL_DEVICES = "all";

interface Described {
  readonly name: string;
  readonly help: string;
}

function perDomain(
  { name, help }: Described,
  vms: readonly VmSummary[],
  value: (vm: VmSummary) => number | undefined,
): MetricFamily {
  const samples = vms.flatMap((vm): MetricSample[] => {
    const measured = value(vm);
    const labels = { domain: vm.observation.name };
    return measured === undefined ? [] : [{ labels, value: measured }];
  });
  const type = name.endsWith("_total") ? "counter" : "gauge";
  return { name: `libvirt_domain_${name}`, help, type, samples };
}

function infoFamilies(vms: readonly VmSummary[]): MetricFamily[] {
  const memory = ({ observation }: VmSummary): number => Number(observation.memoryBytes);
  return [
    {
      name: "libvirt_domain_info_meta",
      help: "1, with what identifies the domain. managed: whether muster manages it.",
      type: "gauge",
      samples: vms.map(({ observation: { id, name, managed } }) => ({
        labels: { domain: name, uuid: id, instance_name: name, managed: String(managed) },
        value: 1,
      })),
    },
    perDomain(
      {
        name: "info_vstate",
        help: "State of the domain: 1 running, 3 paused, 4 shutting down, 5 shut off, 6 crashed.",
      },
      vms,
      ({ observation }) => virDomainStates[observation.state],
    ),
    perDomain(
      { name: "info_maximum_memory_bytes", help: "Memory the domain may have, in bytes." },
      vms,
      memory,
    ),
    perDomain(
      { name: "info_memory_usage_bytes", help: "Memory the domain has, in bytes." },
      vms,
      memory,
    ),
    perDomain(
      { name: "info_virtual_cpus", help: "Virtual CPUs of the domain." },
      vms,
      ({ observation }) => observation.cpus,
    ),
    perDomain(
      { name: "info_cpu_time_seconds_total", help: "CPU time the domain used, in seconds." },
      vms,
      // A counter of a stopped domain would fall to 0; without a sample it just ends.
      ({ observation }) =>
        observation.usage === undefined ? undefined : Number(observation.usage.cpuTimeNs) / 1e9,
    ),
    perDomain(
      {
        name: "memory_stats_rss_bytes",
        help: "Resident memory of the process that runs the domain, in bytes.",
      },
      vms,
      ({ observation }) =>
        observation.usage === undefined ? undefined : Number(observation.usage.residentBytes),
    ),
  ];
}

function disksOf({ disks, observation: { usage } }: VmSummary): readonly DiskCounters[] {
  if (disks !== undefined) return disks;
  if (usage === undefined) return [];
  return [
    {
      device: ALL_DEVICES,
      readBytes: usage.diskReadBytes,
      writeBytes: usage.diskWriteBytes,
      readRequests: usage.diskReadRequests,
      writeRequests: usage.diskWriteRequests,
    },
  ];
}

function nicsOf({ nics, observation: { usage } }: VmSummary): readonly NicCounters[] {
  if (nics !== undefined) return nics;
  if (usage === undefined) return [];
  return [
    {
      device: ALL_DEVICES,
      receiveBytes: usage.networkReceiveBytes,
      transmitBytes: usage.networkTransmitBytes,
    },
  ];
}

function perDevice<Device extends { readonly device: string }>(
  { name, help }: Described,
  devices: readonly { readonly domain: string; readonly device: Device }[],
  value: (device: Device) => bigint,
): MetricFamily {
  return {
    name: `libvirt_domain_${name}`,
    help,
    type: "counter",
    samples: devices.map(({ domain, device }) => ({
      labels: { domain, target_device: device.device },
      value: Number(value(device)),
    })),
  };
}

function deviceFamilies(vms: readonly VmSummary[]): MetricFamily[] {
  const disks = vms.flatMap((vm) =>
    disksOf(vm).map((device) => ({ domain: vm.observation.name, device })),
  );
  const nics = vms.flatMap((vm) =>
    nicsOf(vm).map((device) => ({ domain: vm.observation.name, device })),
  );
  const block = (name: string, help: string, value: (disk: DiskCounters) => bigint): MetricFamily =>
    perDevice({ name: `block_stats_${name}`, help }, disks, value);
  const nic = (name: string, help: string, value: (nic: NicCounters) => bigint): MetricFamily =>
    perDevice({ name: `interface_stats_${name}`, help }, nics, value);
  return [
    block("read_bytes_total", "Bytes read from a disk.", (disk) => disk.readBytes),
    block("read_requests_total", "Read requests of a disk.", (disk) => disk.readRequests),
    block("write_bytes_total", "Bytes written to a disk.", (disk) => disk.writeBytes),
    block("write_requests_total", "Write requests of a disk.", (disk) => disk.writeRequests),
    nic("receive_bytes_total", "Bytes the domain received.", (counters) => counters.receiveBytes),
    nic("transmit_bytes_total", "Bytes the domain sent.", (counters) => counters.transmitBytes),
  ];
}

export function domainFamilies(parts: {
  readonly libvirtAlive: boolean;
  readonly vms: readonly VmSummary[];
}): MetricFamily[] {
  return [
    single("gauge", "libvirt_up", {
      help: "1 while libvirt answers.",
      value: parts.libvirtAlive ? 1 : 0,
    }),
    ...infoFamilies(parts.vms),
    ...deviceFamilies(parts.vms),
  ];
}
