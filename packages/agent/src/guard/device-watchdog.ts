/**
 * A Linux watchdog: softdog, a server's management board, a virtual machine's i6300esb. Opening the device starts it,
 * writing feeds it, and only a "V" before closing stops it. Its timeout is set by its driver or by the system
 * (`RuntimeWatchdogSec=`, `soft_margin=`); here it is read, because setting it needs an ioctl that Node does not have.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MusterError } from "@muster/model";
import type { Watchdog } from "./watchdog.ts";

export interface WatchdogConfig {
  /** "/dev/watchdog" */
  readonly device: string;
  /** "/sys/class/watchdog/watchdog0" */
  readonly sysfs: string;
}

/** Shorter, and one long pause of this process resets the host. */
export const WATCHDOG_MIN_MS = 4_000;
/** Longer, and nothing is recovered before a person is there. */
export const WATCHDOG_MAX_MS = 600_000;

export class DeviceWatchdog implements Watchdog {
  readonly #config: WatchdogConfig;
  #descriptor: number | undefined;

  constructor(config: WatchdogConfig) {
    this.#config = config;
  }

  async arm(): Promise<number> {
    const { device } = this.#config;
    const timeoutMs = await this.#readTimeout();
    try {
      // A device never blocks; whatever stands in for one must not hold up the agent either.
      this.#descriptor ??= openSync(device, constants.O_WRONLY | constants.O_NONBLOCK);
      this.feed();
    } catch (cause) {
      throw new MusterError("wrong-state", `failed to open the watchdog ${device}`, {
        cause,
        hint: "load its driver (modprobe softdog), and see that nobody else has it open",
      });
    }
    return timeoutMs;
  }

  feed(): void {
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, "k");
  }

  disarm(): void {
    if (this.#descriptor === undefined) return;
    writeSync(this.#descriptor, "V");
    this.abandon();
  }

  abandon(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  async #readTimeout(): Promise<number> {
    const path = join(this.#config.sysfs, "timeout");
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new MusterError("wrong-state", `failed to read the watchdog's timeout in ${path}`, {
        cause,
        hint: "set watchdog.sysfs to the directory of that device below /sys/class/watchdog",
      });
    });
    const timeoutMs = Number(text.trim()) * 1_000;
    if (timeoutMs >= WATCHDOG_MIN_MS && timeoutMs <= WATCHDOG_MAX_MS) return timeoutMs;
    const limits = `${String(WATCHDOG_MIN_MS / 1_000)} to ${String(WATCHDOG_MAX_MS / 1_000)} s`;
    throw new MusterError("wrong-state", `the watchdog's timeout is ${text.trim()} s`, {
      hint: `set it to ${limits}, 10 s is good: options softdog soft_margin=10 in /etc/modprobe.d`,
    });
  }
}
