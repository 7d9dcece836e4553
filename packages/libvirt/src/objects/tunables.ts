/** Typed parameters that are set and read back, by libvirt's own names, with the kinds its drivers insist on. */
import { fieldKinds, type ParametersOf } from "../xdr/parameter-spec.ts";

/** VIR_DOMAIN_SCHEDULER_*: periods and quotas in microseconds. */
export const schedulerFields = fieldKinds({
  cpu_shares: "ullong",
  global_period: "ullong",
  global_quota: "llong",
  vcpu_period: "ullong",
  vcpu_quota: "llong",
  emulator_period: "ullong",
  emulator_quota: "llong",
  iothread_period: "ullong",
  iothread_quota: "llong",
  weight: "uint",
  cap: "uint",
  reservation: "llong",
  limit: "llong",
  shares: "int",
});
export type SchedulerParameters = ParametersOf<typeof schedulerFields>;

/** VIR_DOMAIN_MEMORY_*: KiB. */
export const memoryFields = fieldKinds({
  hard_limit: "ullong",
  soft_limit: "ullong",
  min_guarantee: "ullong",
  swap_hard_limit: "ullong",
});
export type MemoryParameters = ParametersOf<typeof memoryFields>;

/** VIR_DOMAIN_BLKIO_*: the device fields are lists of path and value, separated by commas. */
export const blkioFields = fieldKinds({
  weight: "uint",
  device_weight: "string",
  device_read_iops_sec: "string",
  device_write_iops_sec: "string",
  device_read_bytes_sec: "string",
  device_write_bytes_sec: "string",
});
export type BlkioParameters = ParametersOf<typeof blkioFields>;

/** VIR_DOMAIN_NUMA_* */
export const numaFields = fieldKinds({ numa_nodeset: "string", numa_mode: "int" });
export type NumaParameters = ParametersOf<typeof numaFields>;

/** VIR_DOMAIN_BANDWIDTH_* and VIR_NETWORK_PORT_BANDWIDTH_*: KiB/s and KiB. */
export const bandwidthFields = fieldKinds({
  "inbound.average": "uint",
  "inbound.peak": "uint",
  "inbound.burst": "uint",
  "inbound.floor": "uint",
  "outbound.average": "uint",
  "outbound.peak": "uint",
  "outbound.burst": "uint",
});
export type BandwidthParameters = ParametersOf<typeof bandwidthFields>;

/** VIR_DOMAIN_BLOCK_IOTUNE_*: bytes and operations per second, lengths in seconds. */
export const blockIoTuneFields = fieldKinds({
  total_bytes_sec: "ullong",
  read_bytes_sec: "ullong",
  write_bytes_sec: "ullong",
  total_iops_sec: "ullong",
  read_iops_sec: "ullong",
  write_iops_sec: "ullong",
  total_bytes_sec_max: "ullong",
  read_bytes_sec_max: "ullong",
  write_bytes_sec_max: "ullong",
  total_iops_sec_max: "ullong",
  read_iops_sec_max: "ullong",
  write_iops_sec_max: "ullong",
  total_bytes_sec_max_length: "ullong",
  read_bytes_sec_max_length: "ullong",
  write_bytes_sec_max_length: "ullong",
  total_iops_sec_max_length: "ullong",
  read_iops_sec_max_length: "ullong",
  write_iops_sec_max_length: "ullong",
  size_iops_sec: "ullong",
  group_name: "string",
});
export type BlockIoTuneParameters = ParametersOf<typeof blockIoTuneFields>;

/** VIR_DOMAIN_IOTHREAD_* */
export const iothreadFields = fieldKinds({
  poll_max_ns: "ullong",
  poll_grow: "uint",
  poll_shrink: "uint",
  thread_pool_min: "int",
  thread_pool_max: "int",
});
export type IothreadParameters = ParametersOf<typeof iothreadFields>;

/** VIR_PERF_PARAM_*: which events are counted. */
export const perfFields = fieldKinds({
  cmt: "boolean",
  mbmt: "boolean",
  mbml: "boolean",
  cache_misses: "boolean",
  cache_references: "boolean",
  instructions: "boolean",
  cpu_cycles: "boolean",
  branch_instructions: "boolean",
  branch_misses: "boolean",
  bus_cycles: "boolean",
  stalled_cycles_frontend: "boolean",
  stalled_cycles_backend: "boolean",
  ref_cpu_cycles: "boolean",
  cpu_clock: "boolean",
  task_clock: "boolean",
  page_faults: "boolean",
  context_switches: "boolean",
  cpu_migrations: "boolean",
  page_faults_min: "boolean",
  page_faults_maj: "boolean",
  alignment_faults: "boolean",
  emulation_faults: "boolean",
});
export type PerfEvents = ParametersOf<typeof perfFields>;

/** VIR_NODE_MEMORY_*: kernel same-page merging; the counters can only be read. */
export const nodeMemoryFields = fieldKinds({
  shm_pages_to_scan: "uint",
  shm_sleep_millisecs: "uint",
  shm_merge_across_nodes: "uint",
  shm_pages_shared: "ullong",
  shm_pages_sharing: "ullong",
  shm_pages_unshared: "ullong",
  shm_pages_volatile: "ullong",
  shm_full_scans: "ullong",
});
export type NodeMemoryParameters = ParametersOf<typeof nodeMemoryFields>;

/** VIR_DOMAIN_LAUNCH_SECURITY_* that can be set. */
export const launchSecurityFields = fieldKinds({
  "sev-secret-header": "string",
  "sev-secret": "string",
  "sev-secret-set-address": "ullong",
});
export type LaunchSecurityState = ParametersOf<typeof launchSecurityFields>;
