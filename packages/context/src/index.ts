export {
  volumeLabels,
  type AfterFirstBoot,
  type CentralPolicy,
  type ClusterMember,
  type Context,
  type ContextAddress,
  type ContextDns,
  type ContextFile,
  type ContextNic,
  type ContextSubject,
  type ContextUser,
  type HostCertificate,
  type HostKey,
  type ReportBy,
  type Seed,
  type SeedFile,
} from "./context.ts";
export { bytesOf, fromBase64, toBase64 } from "./bytes.ts";
export { renderIso } from "./iso/iso-image.ts";
export { CONTEXT_BYTES_MAX, parseContext, parseSshKey } from "./parse/parse-context.ts";
export { hideSecrets, redactContext } from "./redact.ts";
export { renderSeed } from "./render/render-seed.ts";
export { REPORT_CHANNEL } from "./render/reporter.ts";
export {
  renderComputeVcOut,
  renderFrontendVcOut,
  type VcCompute,
  type VcFrontend,
  type VcInterface,
  type VcOut,
  type VcOutForm,
} from "./render/vc-out.ts";
export { parseReportLine, REPORT_LINE_MAX } from "./report/parse-report.ts";
