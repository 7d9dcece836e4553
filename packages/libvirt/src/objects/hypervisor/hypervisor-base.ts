import type { CallOptions } from "../../pending-call.ts";
import { connectCloseReason, type ConnectCloseReason } from "../../protocol/generated/enums.ts";
import { nameOf } from "../../protocol/names.ts";
import type { Session } from "../../session.ts";

/** A version as libvirt numbers it: 9.0.0 is 9000000. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly release: number;
  readonly number: number;
}

function versionOf(number: bigint): Version {
  const n = Number(number);
  return {
    major: Math.floor(n / 1_000_000),
    minor: Math.floor(n / 1_000) % 1_000,
    release: n % 1_000,
    number: n,
  };
}

/** virConnect: an open connection and what can be asked of it as such. The families are layered on it. */
export abstract class HypervisorBase implements AsyncDisposable {
  /** For the objects of this library. */
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** False once the connection is lost or closed; nothing opens it again, see `reconnecting()`. */
  get isOpen(): boolean {
    return this.session.control.isOpen;
  }

  /** Resolves with the reason when the connection is gone, also after close(). Never rejects. */
  get closed(): Promise<Error> {
    return this.session.control.closed;
  }

  /** Sockets now open: one for control, others for calls that overflow, long operations and streams. */
  get connections(): number {
    return this.session.connections;
  }

  /** virConnectClose (0.0.3). Whoever waits for an answer gets ConnectionLostError. */
  async close(): Promise<void> {
    await this.session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * virConnectRegisterCloseCallback (0.10.0): told when the daemon itself loses the hypervisor behind it, as with
   * remote drivers. For the connection to the daemon there is `closed`.
   */
  async registerCloseCallback(
    callback: (reason: ConnectCloseReason) => void,
    options?: CallOptions,
  ): Promise<void> {
    const onClosed = (reason: number) => callback(nameOf(connectCloseReason, reason));
    await this.session.watchHypervisor(onClosed, options);
  }

  /** virConnectUnregisterCloseCallback (0.10.0). */
  async unregisterCloseCallback(options?: CallOptions): Promise<void> {
    await this.session.watchHypervisor(null, options);
  }

  /** virConnectGetVersion (0.0.3): of the hypervisor, for example QEMU. */
  async getVersion(options?: CallOptions): Promise<Version> {
    return versionOf((await this.session.call("connectGetVersion", {}, options)).hv_ver);
  }

  /** virConnectGetLibVersion (0.7.3): of libvirt in the daemon. */
  async getLibVersion(options?: CallOptions): Promise<Version> {
    return versionOf((await this.session.call("connectGetLibVersion", {}, options)).lib_ver);
  }

  /** virConnectGetType (0.0.3): the driver, for example "QEMU". */
  async getType(options?: CallOptions): Promise<string> {
    return (await this.session.call("connectGetType", {}, options)).type;
  }

  /** virConnectGetHostname (0.3.0): of the daemon's host. */
  async getHostname(options?: CallOptions): Promise<string> {
    return (await this.session.call("connectGetHostname", {}, options)).hostname;
  }

  /** virConnectGetURI (0.3.0): as the daemon knows itself. */
  async getUri(options?: CallOptions): Promise<string> {
    return (await this.session.call("connectGetUri", {}, options)).uri;
  }

  /** virConnectIsSecure (0.7.3): whether every hop to the hypervisor is encrypted or local. */
  async isSecure(options?: CallOptions): Promise<boolean> {
    if (!this.session.isPrivate) return false;
    return (await this.session.call("connectIsSecure", {}, options)).secure !== 0;
  }

  /** virConnectGetCapabilities (0.2.1): XML of what the host and its drivers can do. */
  async getCapabilities(options?: CallOptions): Promise<string> {
    return (await this.session.call("connectGetCapabilities", {}, options)).capabilities;
  }

  /** virConnectGetSysinfo (0.8.8): SMBIOS data as XML. */
  async getSysinfo(options?: CallOptions): Promise<string> {
    return (await this.session.call("connectGetSysinfo", { flags: 0 }, options)).sysinfo;
  }

  /** virConnectGetMaxVcpus (0.2.1): most virtual CPUs of a domain of this type, for example "kvm". */
  async getMaxVcpus(type: string | null = null, options?: CallOptions): Promise<number> {
    return (await this.session.call("connectGetMaxVcpus", { type }, options)).max_vcpus;
  }
}
