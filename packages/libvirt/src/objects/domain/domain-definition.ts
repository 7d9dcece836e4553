import type { CallOptions } from "../../pending-call.ts";
import { domainMetadataType } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, numberOf, type NamesOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainLifecycle } from "./domain-lifecycle.ts";

type MetadataType = NamesOf<typeof domainMetadataType>;

export interface SetMetadataOptions extends WithFlags<flags.DomainModificationImpactFlag> {
  /** The XML namespace; required for "element". */
  readonly uri?: string | undefined;
  /** The namespace prefix to write the element with. */
  readonly key?: string | undefined;
}

export interface GetMetadataOptions extends WithFlags<flags.DomainModificationImpactFlag> {
  /** The XML namespace; required for "element". */
  readonly uri?: string | undefined;
}

/** What the domain is defined to be. */
export abstract class DomainDefinition extends DomainLifecycle {
  /** virDomainGetXMLDesc (0.0.3): the domain's XML, of the running one unless "inactive". */
  async getXmlDesc(options: WithFlags<flags.DomainXmlFlag> = {}): Promise<string> {
    const bits = bitsOf(flags.domainXmlFlags, options.flags);
    const args = { dom: this.reference, flags: bits };
    return (await this.session.call("domainGetXmlDesc", args, options)).xml;
  }

  /** virDomainSetMetadata (0.9.10): null removes it. For "element" the text is XML of the namespace `uri`. */
  async setMetadata(
    type: MetadataType,
    metadata: string | null,
    options: SetMetadataOptions = {},
  ): Promise<void> {
    const args = {
      dom: this.reference,
      type: numberOf(domainMetadataType, type),
      metadata,
      key: options.key ?? null,
      uri: options.uri ?? null,
      flags: bitsOf(flags.domainModificationImpactFlags, options.flags),
    };
    await this.session.call("domainSetMetadata", args, options);
  }

  /** virDomainGetMetadata (0.9.10). Rejects with LibvirtError "noDomainMetadata" if there is none. */
  async getMetadata(type: MetadataType, options: GetMetadataOptions = {}): Promise<string> {
    const args = {
      dom: this.reference,
      type: numberOf(domainMetadataType, type),
      uri: options.uri ?? null,
      flags: bitsOf(flags.domainModificationImpactFlags, options.flags),
    };
    return (await this.session.call("domainGetMetadata", args, options)).metadata;
  }

  /** virDomainGetAutostart (0.2.1): whether the daemon starts it when the host boots. */
  async getAutostart(options?: CallOptions): Promise<boolean> {
    const args = { dom: this.reference };
    return (await this.session.call("domainGetAutostart", args, options)).autostart !== 0;
  }

  /** virDomainSetAutostart (0.2.1). */
  async setAutostart(autostart: boolean, options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, autostart: autostart ? 1 : 0 };
    await this.session.call("domainSetAutostart", args, options);
  }

  /** virDomainGetAutostartOnce (11.2.0): whether the next boot of the host starts it. */
  async getAutostartOnce(options?: CallOptions): Promise<boolean> {
    const args = { dom: this.reference };
    return (await this.session.call("domainGetAutostartOnce", args, options)).autostart !== 0;
  }

  /** virDomainSetAutostartOnce (11.2.0). */
  async setAutostartOnce(autostart: boolean, options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, autostart: autostart ? 1 : 0 };
    await this.session.call("domainSetAutostartOnce", args, options);
  }

  /** virDomainIsActive (0.7.3): whether it runs, or is paused. */
  async isActive(options?: CallOptions): Promise<boolean> {
    const args = { dom: this.reference };
    return (await this.session.call("domainIsActive", args, options)).active !== 0;
  }

  /** virDomainIsPersistent (0.7.3): whether it is defined, so that it outlives being stopped. */
  async isPersistent(options?: CallOptions): Promise<boolean> {
    const args = { dom: this.reference };
    return (await this.session.call("domainIsPersistent", args, options)).persistent !== 0;
  }

  /** virDomainIsUpdated (0.8.6): whether the running domain differs from its definition. */
  async isUpdated(options?: CallOptions): Promise<boolean> {
    const args = { dom: this.reference };
    return (await this.session.call("domainIsUpdated", args, options)).updated !== 0;
  }

  /** virDomainGetOSType (0.0.3): "hvm" for a full virtual machine. */
  async getOsType(options?: CallOptions): Promise<string> {
    return (await this.session.call("domainGetOsType", { dom: this.reference }, options)).type;
  }

  /** virDomainRename (1.2.19): the domain must be stopped and have neither snapshots nor a saved state. */
  async rename(newName: string, options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, new_name: newName, flags: 0 };
    await this.session.call("domainRename", args, options);
    this.renewReference({ ...this.reference, name: newName });
  }
}
