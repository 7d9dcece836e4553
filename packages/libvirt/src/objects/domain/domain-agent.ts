import type { CallOptions } from "../../pending-call.ts";
import { domainProcessSignal, nodeSuspendTarget } from "../../protocol/generated/enums.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf, numberOf, type NamesOf } from "../../protocol/names.ts";
import type { TypedParameters } from "../../xdr/typed-parameters.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainSave } from "./domain-save.ts";

export interface GuestFilesystem {
  readonly mountpoint: string;
  readonly name: string;
  readonly fsType: string;
  /** Targets of the disks that it is on. */
  readonly devices: readonly string[];
}

export interface GuestTime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

export interface FsTrimOptions extends CallOptions {
  /** Only this mount point; not supported by QEMU. */
  readonly mountPoint?: string | undefined;
  /** Free ranges below this many bytes are left alone. */
  readonly minimum?: bigint | undefined;
}

export interface GuestInfoOptions extends CallOptions {
  readonly types?: readonly flags.DomainGuestInfoFlag[] | undefined;
}

/** What the guest agent does. These calls wait for the guest, each on a connection of its own. */
export abstract class DomainAgent extends DomainSave {
  /** virDomainFSFreeze (1.2.5): all file systems, or those mounted there. Resolves with how many. */
  async fsFreeze(mountpoints: readonly string[] = [], options?: CallOptions): Promise<number> {
    const args = { dom: this.reference, mountpoints, flags: 0 };
    return (await this.session.callLong("domainFsfreeze", args, options)).filesystems;
  }

  /** virDomainFSThaw (1.2.5). */
  async fsThaw(mountpoints: readonly string[] = [], options?: CallOptions): Promise<number> {
    const args = { dom: this.reference, mountpoints, flags: 0 };
    return (await this.session.callLong("domainFsthaw", args, options)).filesystems;
  }

  /** virDomainFSTrim (1.0.1): gives free blocks back. */
  async fsTrim(options: FsTrimOptions = {}): Promise<void> {
    const { mountPoint = null, minimum = 0n } = options;
    const args = { dom: this.reference, mountPoint, minimum, flags: 0 };
    await this.session.callLong("domainFstrim", args, options);
  }

  /** virDomainGetFSInfo (1.2.11). */
  async getFsInfo(options?: CallOptions): Promise<readonly GuestFilesystem[]> {
    const args = { dom: this.reference, flags: 0 };
    const { info } = await this.session.callLong("domainGetFsinfo", args, options);
    return info.map(({ mountpoint, name, fstype, dev_aliases }) => ({
      mountpoint,
      name,
      fsType: fstype,
      devices: dev_aliases,
    }));
  }

  /** virDomainGetGuestInfo (5.7.0): by libvirt's names, for example `os.pretty-name`. */
  async getGuestInfo(options: GuestInfoOptions = {}): Promise<TypedParameters> {
    const types = bitsOf(flags.domainGuestInfoFlags, options.types);
    const args = { dom: this.reference, types, flags: 0 };
    return (await this.session.callLong("domainGetGuestInfo", args, options)).params;
  }

  /** virDomainGetHostname (0.10.0): of the guest. */
  async getHostname(options: WithFlags<flags.DomainGetHostnameFlag> = {}): Promise<string> {
    const bits = bitsOf(flags.domainGetHostnameFlags, options.flags);
    const args = { dom: this.reference, flags: bits };
    return (await this.session.callLong("domainGetHostname", args, options)).hostname;
  }

  /** virDomainGetTime (1.2.5): the guest's clock. */
  async getTime(options?: CallOptions): Promise<GuestTime> {
    const args = { dom: this.reference, flags: 0 };
    const { seconds, nseconds } = await this.session.callLong("domainGetTime", args, options);
    return { seconds, nanoseconds: nseconds };
  }

  /** virDomainSetTime (1.2.5): to this time, or with "sync" to the guest's hardware clock. */
  async setTime(time: GuestTime, options: WithFlags<flags.DomainSetTimeFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainSetTimeFlags, options.flags);
    const clock = { seconds: time.seconds, nseconds: time.nanoseconds };
    await this.session.callLong(
      "domainSetTime",
      { dom: this.reference, ...clock, flags: bits },
      options,
    );
  }

  /** virDomainSetUserPassword (1.2.16). */
  async setUserPassword(
    credentials: { readonly user: string; readonly password: string },
    options: WithFlags<flags.DomainSetUserPasswordFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainSetUserPasswordFlags, options.flags);
    const args = { dom: this.reference, ...credentials, flags: bits };
    await this.session.callLong("domainSetUserPassword", args, options);
  }

  /** virDomainAuthorizedSSHKeysGet (6.10.0). */
  async authorizedSshKeysGet(user: string, options?: CallOptions): Promise<readonly string[]> {
    const args = { dom: this.reference, user, flags: 0 };
    return (await this.session.callLong("domainAuthorizedSshKeysGet", args, options)).keys;
  }

  /** virDomainAuthorizedSSHKeysSet (6.10.0): replaces them unless "append" or "remove". */
  async authorizedSshKeysSet(
    { user, keys }: { readonly user: string; readonly keys: readonly string[] },
    options: WithFlags<flags.DomainAuthorizedSshKeysSetFlag> = {},
  ): Promise<void> {
    const bits = bitsOf(flags.domainAuthorizedSshKeysSetFlags, options.flags);
    const args = { dom: this.reference, user, keys, flags: bits };
    await this.session.callLong("domainAuthorizedSshKeysSet", args, options);
  }

  /** virDomainAgentSetResponseTimeout (5.10.0): seconds; -1 is libvirt's default, -2 waits for ever. */
  async agentSetResponseTimeout(seconds: number, options?: CallOptions): Promise<void> {
    const args = { dom: this.reference, timeout: seconds, flags: 0 };
    await this.session.call("domainAgentSetResponseTimeout", args, options);
  }

  /** virDomainPMSuspendForDuration (0.9.10): the guest suspends itself; 0 seconds is until pmWakeup(). */
  async pmSuspendForDuration(
    target: NamesOf<typeof nodeSuspendTarget>,
    seconds: bigint,
    options?: CallOptions,
  ): Promise<void> {
    const number = numberOf(nodeSuspendTarget, target);
    const args = { dom: this.reference, target: number, duration: seconds, flags: 0 };
    await this.session.callLong("domainPmSuspendForDuration", args, options);
  }

  /** virDomainSendProcessSignal (1.0.1): to a process of a container. */
  async sendProcessSignal(
    pid: bigint,
    signal: NamesOf<typeof domainProcessSignal>,
    options?: CallOptions,
  ): Promise<void> {
    const signum = numberOf(domainProcessSignal, signal);
    const args = { dom: this.reference, pid_value: pid, signum, flags: 0 };
    await this.session.call("domainSendProcessSignal", args, options);
  }

  /** virDomainGetMessages (7.1.0): what libvirt found remarkable, for example deprecated settings. */
  async getMessages(options: WithFlags<flags.DomainMessageFlag> = {}): Promise<readonly string[]> {
    const bits = bitsOf(flags.domainMessageFlags, options.flags);
    const args = { dom: this.reference, flags: bits };
    return (await this.session.call("domainGetMessages", args, options)).msgs;
  }
}
