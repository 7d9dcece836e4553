import type { CallOptions } from "../../pending-call.ts";
import { nodeSuspendTarget } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, numberOf, type NamesOf } from "../../protocol/names.ts";
import { toTypedParameters } from "../../xdr/parameter-spec.ts";
import type { TypedParameters } from "../../xdr/typed-parameters.ts";
import type { WithFlags } from "../call-flags.ts";
import { decodeCpuMap } from "../cpu-map.ts";
import { saveParameters, type SaveOptions, type SaveParamsOptions } from "../domain/domain-save.ts";
import { nodeMemoryFields, type NodeMemoryParameters } from "../tunables.ts";
import type { CellsOptions } from "./hypervisor-node.ts";
import { HypervisorEvents } from "./hypervisor-events.ts";

export interface AllocPagesOptions extends CellsOptions {
  readonly flags?: readonly flags.NodeAllocPagesFlag[] | undefined;
}

/** Changing the host, and domains that are only a file. */
export abstract class HypervisorHost extends HypervisorEvents {
  /** virNodeGetCPUMap (1.0.0): how many CPUs there are, and which are online. */
  async nodeGetCpuMap(
    options?: CallOptions,
  ): Promise<{ readonly present: number; readonly online: readonly number[] }> {
    const args = { need_map: 1, need_online: 1, flags: 0 };
    const { ret, cpumap } = await this.session.call("nodeGetCpuMap", args, options);
    return { present: ret, online: decodeCpuMap(cpumap) };
  }

  /** virNodeGetMemoryParameters (0.10.2). */
  async nodeGetMemoryParameters(
    options?: CallOptions,
  ): Promise<NodeMemoryParameters & TypedParameters> {
    const bits = await this.session.stringOkayFlag();
    const ask = (nparams: number) =>
      this.session.call("nodeGetMemoryParameters", { nparams, flags: bits }, options);
    return (await ask((await ask(0)).nparams)).params;
  }

  /** virNodeSetMemoryParameters (0.10.2). */
  async nodeSetMemoryParameters(
    parameters: NodeMemoryParameters,
    options?: CallOptions,
  ): Promise<void> {
    const params = toTypedParameters(nodeMemoryFields, parameters);
    await this.session.call("nodeSetMemoryParameters", { params, flags: 0 }, options);
  }

  /** virNodeAllocPages (1.2.9): adds huge pages, or with "set" sets how many. Resolves with nodes that did. */
  async nodeAllocPages(
    pages: readonly { readonly pageSizeKiB: number; readonly count: bigint }[],
    options: AllocPagesOptions = {},
  ): Promise<number> {
    const { startCell = 0, cellCount = 1 } = options;
    const args = {
      pageSizes: pages.map(({ pageSizeKiB }) => pageSizeKiB),
      pageCounts: pages.map(({ count }) => count),
      startCell,
      cellCount,
      flags: bitsOf(flags.nodeAllocPagesFlags, options.flags),
    };
    return (await this.session.call("nodeAllocPages", args, options)).ret;
  }

  /** virNodeSuspendForDuration (0.9.8): puts the host to sleep; at least 60 seconds. */
  async nodeSuspendForDuration(
    target: NamesOf<typeof nodeSuspendTarget>,
    seconds: bigint,
    options?: CallOptions,
  ): Promise<void> {
    const args = { target: numberOf(nodeSuspendTarget, target), duration: seconds, flags: 0 };
    await this.session.call("nodeSuspendForDuration", args, options);
  }

  /** virNodeGetSecurityModel (0.6.1): for example "apparmor". */
  async nodeGetSecurityModel(
    options?: CallOptions,
  ): Promise<{ readonly model: string; readonly doi: string }> {
    const { model, doi } = await this.session.call("nodeGetSecurityModel", {}, options);
    return { model: cString(model), doi: cString(doi) };
  }

  /** virNodeGetSEVInfo (4.5.0). */
  async nodeGetSevInfo(options?: CallOptions): Promise<TypedParameters> {
    const bits = await this.session.stringOkayFlag();
    const ask = (nparams: number) =>
      this.session.call("nodeGetSevInfo", { nparams, flags: bits }, options);
    return (await ask((await ask(0)).nparams)).params;
  }

  /** virDomainRestoreFlags (0.9.4): starts the domain that save() put into a file. */
  async domainRestore(path: string, options: SaveOptions = {}): Promise<void> {
    const bits = bitsOf(flags.domainSaveRestoreFlags, options.flags);
    const args = { from: path, dxml: options.xml ?? null, flags: bits };
    await this.session.callLong("domainRestoreFlags", args, options);
  }

  /** virDomainRestoreParams (8.4.0). */
  async domainRestoreParams(options: SaveParamsOptions): Promise<void> {
    const params = toTypedParameters(saveParameters, options);
    const bits = bitsOf(flags.domainSaveRestoreFlags, options.flags);
    await this.session.callLong("domainRestoreParams", { params, flags: bits }, options);
  }

  /** virDomainSaveImageGetXMLDesc (0.9.4). */
  async domainSaveImageGetXmlDesc(
    path: string,
    options: WithFlags<flags.DomainSaveImageXmlFlag> = {},
  ): Promise<string> {
    const bits = bitsOf(flags.domainSaveImageXmlFlags, options.flags);
    const args = { file: path, flags: bits };
    return (await this.session.call("domainSaveImageGetXmlDesc", args, options)).xml;
  }

  /** virDomainSaveImageDefineXML (0.9.4). */
  async domainSaveImageDefineXml(
    path: string,
    xml: string,
    options: WithFlags<flags.DomainSaveRestoreFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainSaveRestoreFlags, options.flags);
    const args = { file: path, dxml: xml, flags: bits };
    await this.session.call("domainSaveImageDefineXml", args, options);
  }

  /** virConnectDomainXMLFromNative (0.6.4): XML of a configuration in another format. */
  async domainXmlFromNative(
    format: string,
    config: string,
    options?: CallOptions,
  ): Promise<string> {
    const args = { nativeFormat: format, nativeConfig: config, flags: 0 };
    return (await this.session.call("connectDomainXmlFromNative", args, options)).domainXml;
  }

  /** virConnectDomainXMLToNative (0.6.4): for "qemu-argv" the command line that libvirt would run. */
  async domainXmlToNative(format: string, xml: string, options?: CallOptions): Promise<string> {
    const args = { nativeFormat: format, domainXml: xml, flags: 0 };
    return (await this.session.call("connectDomainXmlToNative", args, options)).nativeConfig;
  }
}

/** C strings travel with their NUL. */
function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}
