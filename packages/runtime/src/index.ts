export { nextTurn, systemClock, type Clock } from "./clock.ts";
export { parseCommandLine, type CommandLine } from "./command-line.ts";
export {
  readConfig,
  type ConfigSources,
  type Fields,
  type Range,
  type TextCheck,
} from "./config.ts";
export { renderFailure } from "./failure-text.ts";
export {
  COORDINATOR_PORT,
  parseRpcAddress,
  renderRpcAddress,
  type RpcAddress,
} from "./grpc/address.ts";
export { connect, RpcClient, type CallOptions, type ConnectOptions } from "./grpc/client.ts";
export { listenLocal, type LocalListenerOptions, type RpcListener } from "./grpc/listen-local.ts";
export { listenTls, type TlsListenerOptions, type TlsRpcListener } from "./grpc/listen-tls.ts";
export type { Peer } from "./grpc/peer.ts";
export {
  implement,
  mapLink,
  type BoundMethod,
  type CallContext,
  type Handlers,
  type RpcService,
  type StreamHandler,
  type UnaryHandler,
  type WatchHandler,
} from "./grpc/service.ts";
export { decodeError, encodeError, ERROR_METADATA_KEY, grpcStatusOf } from "./grpc/status.ts";
export {
  isLoopback,
  serveHttp,
  type HttpListener,
  type HttpOptions,
  type HttpReply,
  type HttpRequest,
  type HttpRoute,
  type HttpTls,
} from "./http/serve-http.ts";
export type { Link } from "./link.ts";
export type { Log } from "./log-port.ts";
export {
  createLogger,
  logLevels,
  silentLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
} from "./log.ts";
export { Loop, type LoopStatus, type Reconciler } from "./loop.ts";
export { Mailbox } from "./mailbox.ts";
export {
  METRICS_CONTENT_TYPE,
  renderMetrics,
  single,
  type MetricFamily,
  type MetricSample,
} from "./metrics/metric-family.ts";
export { LoopDelay, processFamilies } from "./metrics/process-metrics.ts";
export { seededRandom, systemRandom, type Random } from "./random.ts";
export { createServiceNotifier, type ServiceNotifier } from "./service-notify.ts";
export { serveUntilAsked, type ServiceParts } from "./service.ts";
export { SimulatedClock } from "./simulated-clock.ts";
export { createCertificateRequest, type KeyAndRequest } from "./tls/certificate-request.ts";
export { createDirectoryWith, replaceFile, type DurableFile } from "./tls/durable-files.ts";
export { fetchAuthority, type FoundAuthority } from "./tls/fetch-authority.ts";
export type { ClientTrust, TlsIdentity } from "./tls/identity.ts";
export {
  createAuthority,
  fingerprintOf,
  issueCertificate,
  newPrivateKey,
  publicKeyOf,
  readCertificateRequest,
  serialOf,
  type CertificateAndKey,
  type CertificateOrder,
  type Validity,
} from "./tls/issue.ts";
export {
  renewalDueAt,
  roleUri,
  subjectOf,
  subjectOfNames,
  type CertificateRole,
  type CertificateSubject,
} from "./tls/role.ts";
export {
  FENCE_AGENTS_DIRECTORY,
  fenceRunner,
  type FenceOrder,
  type FenceOutcome,
  type FenceRunner,
} from "./fence/fence-agent.ts";
