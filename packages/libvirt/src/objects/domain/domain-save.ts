import { ByteStream } from "../../byte-stream.ts";
import type { CallOptions } from "../../pending-call.ts";
import {
  domainCoreDumpFormat,
  domainGraphicsReloadType,
  keycodeSet,
} from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, numberOf, type NamesOf } from "../../protocol/names.ts";
import { toTypedParameters, type ParametersOf } from "../../xdr/parameter-spec.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainBlock } from "./domain-block.ts";

/** VIR_DOMAIN_SAVE_PARAM_* */
export const saveParameters = {
  file: { field: "file", kind: "string" },
  /** XML to restore with. */
  dxml: { field: "dxml", kind: "string" },
  imageFormat: { field: "image_format", kind: "string" },
  parallelChannels: { field: "parallel.channels", kind: "int" },
} as const;

export interface SaveOptions extends WithFlags<flags.DomainSaveRestoreFlag> {
  /** Replaces the XML in the image, within what a guest cannot notice. */
  readonly xml?: string | undefined;
}

export interface SaveParamsOptions
  extends WithFlags<flags.DomainSaveRestoreFlag>, ParametersOf<typeof saveParameters> {}

export interface CoreDumpOptions extends WithFlags<flags.DomainCoreDumpFlag> {
  readonly format?: NamesOf<typeof domainCoreDumpFormat> | undefined;
}

export interface SendKeyOptions extends CallOptions {
  readonly codeset?: NamesOf<typeof keycodeSet> | undefined;
  /** Milliseconds between press and release. */
  readonly holdTimeMs?: number | undefined;
}

export interface Screenshot {
  /** For example "image/png". */
  readonly mimeType: string;
  readonly stream: ByteStream;
}

/** Saving a domain's memory, and looking at it and poking it from outside. */
export abstract class DomainSave extends DomainBlock {
  /** virDomainSaveFlags (0.9.4): stops the domain with its memory in a file. restore() brings it back. */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    const bits = bitsOf(flags.domainSaveRestoreFlags, options.flags);
    const args = { dom: this.reference, to: path, dxml: options.xml ?? null, flags: bits };
    await this.session.callLong("domainSaveFlags", args, options);
  }

  /** virDomainSaveParams (8.4.0). */
  async saveParams(options: SaveParamsOptions): Promise<void> {
    const args = {
      dom: this.reference,
      params: toTypedParameters(saveParameters, options),
      flags: bitsOf(flags.domainSaveRestoreFlags, options.flags),
    };
    await this.session.callLong("domainSaveParams", args, options);
  }

  /** virDomainManagedSave (0.8.0): as save, in a file that libvirt keeps; create() then restores it. */
  async managedSave(options: WithFlags<flags.DomainSaveRestoreFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainSaveRestoreFlags, options.flags);
    await this.session.callLong("domainManagedSave", { dom: this.reference, flags: bits }, options);
  }

  /** virDomainHasManagedSaveImage (0.8.0). */
  async hasManagedSaveImage(options?: CallOptions): Promise<boolean> {
    const args = { dom: this.reference, flags: 0 };
    return (await this.session.call("domainHasManagedSaveImage", args, options)).result !== 0;
  }

  /** virDomainManagedSaveRemove (0.8.0): the next create() boots. */
  async managedSaveRemove(options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, flags: 0 };
    await this.session.call("domainManagedSaveRemove", args, options);
  }

  /** virDomainManagedSaveGetXMLDesc (3.7.0). */
  async managedSaveGetXmlDesc(
    options: WithFlags<flags.DomainSaveImageXmlFlag> = {},
  ): Promise<string> {
    const bits = bitsOf(flags.domainSaveImageXmlFlags, options.flags);
    const args = { dom: this.reference, flags: bits };
    return (await this.session.call("domainManagedSaveGetXmlDesc", args, options)).xml;
  }

  /** virDomainManagedSaveDefineXML (3.7.0). */
  async managedSaveDefineXml(
    xml: string,
    options: WithFlags<flags.DomainSaveRestoreFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainSaveRestoreFlags, options.flags);
    const args = { dom: this.reference, dxml: xml, flags: bits };
    await this.session.call("domainManagedSaveDefineXml", args, options);
  }

  /** virDomainCoreDump (0.1.9), virDomainCoreDumpWithFormat (1.2.3) with a format. */
  async coreDump(path: string, options: CoreDumpOptions = {}): Promise<void> {
    const bits = bitsOf(flags.domainCoreDumpFlags, options.flags);
    const args = { dom: this.reference, to: path, flags: bits };
    if (options.format === undefined) {
      await this.session.callLong("domainCoreDump", args, options);
    } else {
      const dumpformat = numberOf(domainCoreDumpFormat, options.format);
      await this.session.callLong("domainCoreDumpWithFormat", { ...args, dumpformat }, options);
    }
  }

  /** virDomainScreenshot (0.9.2): an image of a screen, on a connection of its own. */
  async screenshot(screen = 0, options?: CallOptions): Promise<Screenshot> {
    const args = { dom: this.reference, screen, flags: 0 };
    const opened = await this.session.openAnsweredStream("domainScreenshot", args, options);
    return { mimeType: opened.answer.mime ?? "", stream: new ByteStream(opened.stream) };
  }

  /** virDomainSendKey (0.9.3): presses up to 16 keys together. */
  async sendKey(keycodes: readonly number[], options: SendKeyOptions = {}): Promise<void> {
    const codeset = numberOf(keycodeSet, options.codeset ?? "linux");
    const keys = { codeset, holdtime: options.holdTimeMs ?? 0, keycodes };
    await this.session.call("domainSendKey", { dom: this.reference, ...keys, flags: 0 }, options);
  }

  /** virDomainGraphicsReload (10.2.0): loads the TLS certificates of the graphics server again. */
  async graphicsReload(
    type: NamesOf<typeof domainGraphicsReloadType> = "any",
    options?: CallOptions,
  ): Promise<void> {
    const args = { dom: this.reference, type: numberOf(domainGraphicsReloadType, type), flags: 0 };
    await this.session.call("domainGraphicsReload", args, options);
  }

  /** virDomainInjectNMI (0.9.2). */
  async injectNmi(options?: CallOptions): Promise<void> {
    await this.session.call("domainInjectNmi", { dom: this.reference, flags: 0 }, options);
  }

  /** virDomainMemoryPeek (0.4.2): at most 4 MiB of the guest's memory. */
  async memoryPeek(
    { offset, size }: { readonly offset: bigint; readonly size: number },
    options: WithFlags<flags.DomainMemoryFlag> = {},
  ): Promise<Uint8Array> {
    const bits = bitsOf(flags.domainMemoryFlags, options.flags ?? ["virtual"]);
    const args = { dom: this.reference, offset, size, flags: bits };
    return (await this.session.call("domainMemoryPeek", args, options)).buffer;
  }
}
