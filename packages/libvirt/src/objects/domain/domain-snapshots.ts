import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainCheckpoint } from "./checkpoint.ts";
import { DomainAgent } from "./domain-agent.ts";
import { DomainSnapshot } from "./snapshot.ts";

export interface BackupOptions extends WithFlags<flags.DomainBackupBeginFlag> {
  /** A <domaincheckpoint> to create at the same point in time. */
  readonly checkpointXml?: string | undefined;
}

/** Snapshots, checkpoints and backups. */
export abstract class DomainSnapshots extends DomainAgent {
  /** virDomainSnapshotCreateXML (0.8.0). */
  async snapshotCreateXml(
    xml: string,
    options: WithFlags<flags.DomainSnapshotCreateFlag> = {},
  ): Promise<DomainSnapshot> {
    const bits = bitsOf(flags.domainSnapshotCreateFlags, options.flags);
    const args = { dom: this.reference, xml_desc: xml, flags: bits };
    const { snap } = await this.session.callLong("domainSnapshotCreateXml", args, options);
    return new DomainSnapshot(this.session, snap);
  }

  /** virDomainListAllSnapshots (0.9.13). */
  async listAllSnapshots(
    options: WithFlags<flags.DomainSnapshotListFlag> = {},
  ): Promise<readonly DomainSnapshot[]> {
    const bits = bitsOf(flags.domainSnapshotListFlags, options.flags);
    const args = { dom: this.reference, need_results: 1, flags: bits };
    const { snapshots } = await this.session.call("domainListAllSnapshots", args, options);
    return snapshots.map((reference) => new DomainSnapshot(this.session, reference));
  }

  /** virDomainSnapshotLookupByName (0.8.0). Rejects with LibvirtError "noDomainSnapshot". */
  async snapshotLookupByName(name: string, options?: CallOptions): Promise<DomainSnapshot> {
    const args = { dom: this.reference, name, flags: 0 };
    const { snap } = await this.session.call("domainSnapshotLookupByName", args, options);
    return new DomainSnapshot(this.session, snap);
  }

  /** virDomainHasCurrentSnapshot (0.8.0). */
  async hasCurrentSnapshot(options?: CallOptions): Promise<boolean> {
    const args = { dom: this.reference, flags: 0 };
    return (await this.session.call("domainHasCurrentSnapshot", args, options)).result !== 0;
  }

  /** virDomainSnapshotCurrent (0.8.0). Rejects with LibvirtError "noDomainSnapshot" if there is none. */
  async snapshotCurrent(options?: CallOptions): Promise<DomainSnapshot> {
    const args = { dom: this.reference, flags: 0 };
    const { snap } = await this.session.call("domainSnapshotCurrent", args, options);
    return new DomainSnapshot(this.session, snap);
  }

  /** virDomainCheckpointCreateXML (5.6.0). */
  async checkpointCreateXml(
    xml: string,
    options: WithFlags<flags.DomainCheckpointCreateFlag> = {},
  ): Promise<DomainCheckpoint> {
    const bits = bitsOf(flags.domainCheckpointCreateFlags, options.flags);
    const args = { dom: this.reference, xml_desc: xml, flags: bits };
    const { checkpoint } = await this.session.callLong("domainCheckpointCreateXml", args, options);
    return new DomainCheckpoint(this.session, checkpoint);
  }

  /** virDomainListAllCheckpoints (5.6.0). */
  async listAllCheckpoints(
    options: WithFlags<flags.DomainCheckpointListFlag> = {},
  ): Promise<readonly DomainCheckpoint[]> {
    const bits = bitsOf(flags.domainCheckpointListFlags, options.flags);
    const args = { dom: this.reference, need_results: 1, flags: bits };
    const { checkpoints } = await this.session.call("domainListAllCheckpoints", args, options);
    return checkpoints.map((reference) => new DomainCheckpoint(this.session, reference));
  }

  /** virDomainCheckpointLookupByName (5.6.0). Rejects with LibvirtError "noDomainCheckpoint". */
  async checkpointLookupByName(name: string, options?: CallOptions): Promise<DomainCheckpoint> {
    const args = { dom: this.reference, name, flags: 0 };
    const call = this.session.call("domainCheckpointLookupByName", args, options);
    return new DomainCheckpoint(this.session, (await call).checkpoint);
  }

  /** virDomainBackupBegin (6.0.0): starts a <domainbackup>; "jobCompleted" tells of its end, abortJob() ends it. */
  async backupBegin(xml: string, options: BackupOptions = {}): Promise<void> {
    const args = {
      dom: this.reference,
      backup_xml: xml,
      checkpoint_xml: options.checkpointXml ?? null,
      flags: bitsOf(flags.domainBackupBeginFlags, options.flags),
    };
    await this.session.callLong("domainBackupBegin", args, options);
  }

  /** virDomainBackupGetXMLDesc (6.0.0): of the backup that is going on. */
  async backupGetXmlDesc(options?: CallOptions): Promise<string> {
    const args = { dom: this.reference, flags: 0 };
    return (await this.session.call("domainBackupGetXmlDesc", args, options)).xml;
  }
}
