/** What NICs a host has, and what drives them where somebody asks. */
import { isMusterError } from "@muster/model";
import type { CommandRunner } from "../command-runner.ts";
import type { HostLayout } from "../host-layout.ts";
import { LIST_LINKS, parseKernelLinks, type KernelLink } from "../links/kernel-links.ts";
import { isNic, type HostDevices } from "./find-nics.ts";

const asksForDrivers = ({ uplinks, bonds, interfaces }: HostLayout): boolean =>
  [...uplinks, ...bonds].some(({ members }) => members.some(({ by }) => by === "driver")) ||
  interfaces.some(({ device }) => device.kind === "nic" && device.nic.by === "driver");

export async function readDevices(runner: CommandRunner, layout: HostLayout): Promise<HostDevices> {
  const links = parseKernelLinks(await runner.run(LIST_LINKS));
  const drivers = new Map<string, string>();
  if (asksForDrivers(layout)) {
    for (const link of links.values()) {
      const driver = isNic(link) ? await driverOf(runner, link) : "";
      if (driver !== "") drivers.set(link.name, driver);
    }
  }
  return { links, drivers };
}

/** What has no hardware is driven by what it is. Empty: nobody can say. */
async function driverOf(runner: CommandRunner, { kind, parent }: KernelLink): Promise<string> {
  if (parent === undefined) return kind;
  const path = `/sys/bus/${parent.bus}/devices/${parent.device}/driver`;
  try {
    return (await runner.run(["readlink", "-f", path])).trim().split("/").at(-1) ?? "";
  } catch (error) {
    if (isMusterError(error)) return "";
    throw error;
  }
}
