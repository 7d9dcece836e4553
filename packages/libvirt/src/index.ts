export { connect, type ConnectOptions, type ConnectTarget } from "./connect.ts";
export {
  AuthenticationError,
  CallTimeoutError,
  ConnectionLostError,
  DialError,
  EventOverflowError,
  FileDescriptorError,
  isLibvirtError,
  LibvirtError,
  ProtocolError,
  type ErrorDetails,
  type LibvirtErrorCode,
  type LibvirtErrorDomain,
  type LibvirtErrorLevel,
} from "./errors.ts";
export type { Credentials } from "./auth/scram.ts";
export type { KeepaliveOptions } from "./keepalive.ts";
export type { CallOptions } from "./pending-call.ts";
export type { TlsMaterial } from "./transport/dial.ts";
export {
  reconnecting,
  ReconnectingHypervisor,
  type Gap,
  type LinkItem,
  type LinkState,
  type Lost,
  type ReconnectingOptions,
} from "./reconnecting.ts";
export { UriError } from "./uri.ts";
export type { TypedParameters, TypedValue } from "./xdr/typed-parameters.ts";
export { XdrError } from "./xdr/xdr-error.ts";
export { ByteStream } from "./byte-stream.ts";
export type { WebStreams } from "./web-streams.ts";

export type { DomainEventKind } from "./events/domain-events.ts";
export type { SubscribeOptions } from "./events/event-hub.ts";
export { EventStream } from "./events/event-stream.ts";

export { Hypervisor } from "./objects/hypervisor/hypervisor.ts";
export type { Version } from "./objects/hypervisor/hypervisor-base.ts";
export type { FreePages, NodeInfo } from "./objects/hypervisor/hypervisor-node.ts";
export type { CpuComparison, EmulatorChoice } from "./objects/hypervisor/hypervisor-cpu.ts";
export type {
  AllDomainStatsOptions,
  DomainEvent,
  DomainEventOf,
  DomainEventOptions,
  DomainStats,
} from "./objects/hypervisor/hypervisor-domains.ts";

export { Domain } from "./objects/domain/domain.ts";
export type {
  DomainInfo,
  DomainInterface,
  DomainStateAndReason,
  MemoryStats,
} from "./objects/domain/domain-information.ts";
export type { DomainJobInfo, DomainJobStats } from "./objects/domain/domain-job.ts";
export type { MigrateOptions } from "./objects/domain/domain-migration.ts";

export { Network, type DhcpLease, type NetworkUpdate } from "./objects/network.ts";
export { StoragePool, type PoolInfo } from "./objects/storage-pool.ts";
export { StorageVolume, type TransferOptions, type VolumeInfo } from "./objects/storage-volume.ts";
export type { RpcStream, StreamItem } from "./rpc-stream.ts";

export { NetworkPort } from "./objects/network-port.ts";
export { Nwfilter, NwfilterBinding } from "./objects/nwfilter.ts";
export { Secret } from "./objects/secret.ts";
export { NodeDevice } from "./objects/node-device.ts";
export { HostInterface } from "./objects/host-interface.ts";
export { DomainSnapshot } from "./objects/domain/snapshot.ts";
export { DomainCheckpoint } from "./objects/domain/checkpoint.ts";
export type { BlockInfo, BlockJobInfo } from "./objects/domain/domain-block.ts";
export type { IothreadInfo, VcpuInfo } from "./objects/domain/domain-cpu.ts";
export type { GuestFilesystem, GuestTime } from "./objects/domain/domain-agent.ts";
export type { Screenshot } from "./objects/domain/domain-save.ts";
export type {
  NetworkEvent,
  NodeDeviceEvent,
  QemuMonitorEvent,
  SecretEvent,
  StoragePoolEvent,
} from "./events/object-events.ts";
export type * from "./objects/tunables.ts";
export type * from "./protocol/generated/enums.ts";
export type * from "./protocol/generated/flags.ts";
