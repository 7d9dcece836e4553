import type { CallOptions } from "../../pending-call.ts";
import { ByteStream } from "../../byte-stream.ts";
import * as flags from "../../protocol/generated/flags.ts";
import { bitsOf } from "../../protocol/names.ts";
import type { WithFlags } from "../call-flags.ts";
import { DomainMigration } from "./domain-migration.ts";

export interface ConsoleOptions extends WithFlags<flags.DomainConsoleFlag> {
  /** Alias of the console, serial or parallel device; the first console by default. */
  readonly device?: string | undefined;
}

export interface ChannelOptions extends WithFlags<flags.DomainChannelFlag> {
  /** Name of the channel; the first one by default. */
  readonly name?: string | undefined;
}

export interface AgentCommandOptions extends CallOptions {
  /** How long the daemon waits for the agent; "default" is 5 seconds, "block" for ever, "nowait" not at all. */
  readonly agentTimeout?: number | "default" | "block" | "nowait" | undefined;
}

const agentTimeouts = { block: -2, default: -1, nowait: 0 } as const;

/** Talking to the guest: consoles, channels, the guest agent. */
export abstract class DomainGuest extends DomainMigration {
  /** virDomainOpenConsole (0.8.6): a byte stream both ways, on a connection of its own. */
  async openConsole(options: ConsoleOptions = {}): Promise<ByteStream> {
    const bits = bitsOf(flags.domainConsoleFlags, options.flags);
    const args = { dom: this.reference, dev_name: options.device ?? null, flags: bits };
    return new ByteStream(await this.session.openStream("domainOpenConsole", args, options));
  }

  /** virDomainOpenChannel (1.0.2): a byte stream both ways to a channel device. */
  async openChannel(options: ChannelOptions = {}): Promise<ByteStream> {
    const bits = bitsOf(flags.domainChannelFlags, options.flags);
    const args = { dom: this.reference, name: options.name ?? null, flags: bits };
    return new ByteStream(await this.session.openStream("domainOpenChannel", args, options));
  }

  /** virDomainQemuAgentCommand (0.10.0): JSON in, JSON text out. On a connection of its own. */
  async qemuAgentCommand(command: string, options: AgentCommandOptions = {}): Promise<string> {
    const { agentTimeout = "default" } = options;
    const timeout = typeof agentTimeout === "number" ? agentTimeout : agentTimeouts[agentTimeout];
    const args = { dom: this.reference, cmd: command, timeout, flags: 0 };
    return (await this.session.callLongQemu("domainAgentCommand", args, options)).result ?? "";
  }

  /** virDomainQemuMonitorCommand (0.8.3): JSON, or text with "hmp". Unsupported by libvirt; for debugging. */
  async qemuMonitorCommand(
    command: string,
    options: WithFlags<flags.DomainQemuMonitorCommandFlag> = {},
  ): Promise<string> {
    const bits = bitsOf(flags.domainQemuMonitorCommandFlags, options.flags);
    const args = { dom: this.reference, cmd: command, flags: bits };
    return (await this.session.callQemu("domainMonitorCommand", args, options)).result;
  }
}
