import type { CallOptions } from "../../pending-call.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainBase } from "./domain-base.ts";

/** Starting, stopping and everything between. */
export abstract class DomainLifecycle extends DomainBase {
  /** virDomainCreateWithFlags (0.8.2): boots a defined domain; it then has an id. */
  async create(options: WithFlags<flags.DomainCreateFlag> = {}): Promise<void> {
    const args = { dom: this.reference, flags: bitsOf(flags.domainCreateFlags, options.flags) };
    // An auto-destroyed domain lives as long as the connection that started it.
    const isBound = options.flags?.includes("autodestroy") ?? false;
    const { dom } = isBound
      ? await this.session.callOnControl("domainCreateWithFlags", args, options)
      : await this.session.callLong("domainCreateWithFlags", args, options);
    this.renewReference(dom);
  }

  /** virDomainShutdownFlags (0.9.10): asks the guest to power off. Resolves once it was asked. */
  async shutdown(options: WithFlags<flags.DomainShutdownFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainShutdownFlags, options.flags);
    await this.session.call("domainShutdownFlags", { dom: this.reference, flags: bits }, options);
  }

  /** virDomainReboot (0.1.0): asks the guest to reboot. */
  async reboot(options: WithFlags<flags.DomainRebootFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainRebootFlags, options.flags);
    await this.session.call("domainReboot", { dom: this.reference, flags: bits }, options);
  }

  /** virDomainReset (0.9.7): the reset button. */
  async reset(options?: CallOptions): Promise<void> {
    await this.session.call("domainReset", { dom: this.reference, flags: 0 }, options);
  }

  /** virDomainSuspend (0.0.3): stops the virtual CPUs. */
  async suspend(options?: CallOptions): Promise<void> {
    await this.session.call("domainSuspend", { dom: this.reference }, options);
  }

  /** virDomainResume (0.0.3): lets them run again. */
  async resume(options?: CallOptions): Promise<void> {
    await this.session.call("domainResume", { dom: this.reference }, options);
  }

  /** virDomainDestroyFlags (0.9.4): pulls the plug. With "graceful" it fails rather than use SIGKILL. */
  async destroy(options: WithFlags<flags.DomainDestroyFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainDestroyFlags, options.flags);
    await this.session.call("domainDestroyFlags", { dom: this.reference, flags: bits }, options);
  }

  /** virDomainUndefineFlags (0.9.4): forgets the definition; a running domain becomes transient. */
  async undefine(options: WithFlags<flags.DomainUndefineFlag> = {}): Promise<void> {
    const bits = bitsOf(flags.domainUndefineFlags, options.flags);
    await this.session.call("domainUndefineFlags", { dom: this.reference, flags: bits }, options);
  }

  /** virDomainPMWakeup (0.9.11): wakes a guest that suspended itself. */
  async pmWakeup(options?: CallOptions): Promise<void> {
    await this.session.call("domainPmWakeup", { dom: this.reference, flags: 0 }, options);
  }
}
