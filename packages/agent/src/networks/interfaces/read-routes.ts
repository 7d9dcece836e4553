/** The host's default routes, and which of them are ours. */
import type { CommandRunner } from "../command-runner.ts";
import { listOf, optional, parseJson, recordOf, textOf } from "../json-reader.ts";
import type { HostLayout } from "../host-layout.ts";
import type { KernelLink } from "../links/kernel-links.ts";
import { ROUTE_PROTOCOL } from "./interface-marks.ts";

export interface DefaultRoute {
  readonly device: string;
  readonly gateway: string;
  readonly isOurs: boolean;
}

const WHAT = "the list of default routes";

function decodeRoutes(text: string): readonly DefaultRoute[] {
  return listOf(parseJson(text, WHAT), WHAT).flatMap((each) => {
    const route = recordOf(each, WHAT);
    const device = optional(route["dev"], WHAT, textOf);
    const gateway = optional(route["gateway"], WHAT, textOf);
    if (device === undefined || gateway === undefined) return [];
    return [{ device, gateway, isOurs: String(route["protocol"]) === ROUTE_PROTOCOL }];
  });
}

export async function readDefaultRoutes(runner: CommandRunner): Promise<readonly DefaultRoute[]> {
  const four = await runner.run(["ip", "-j", "route", "show", "default"]);
  const six = await runner.run(["ip", "-j", "-6", "route", "show", "default"]);
  return [...decodeRoutes(four), ...decodeRoutes(six)];
}

/** Most hosts have no interfaces of ours, and need not be asked every time. */
export async function readRoutesIfNeeded(
  runner: CommandRunner,
  { interfaces }: Pick<HostLayout, "interfaces">,
  links: ReadonlyMap<string, KernelLink>,
): Promise<readonly DefaultRoute[]> {
  const isNoted = ({ altNames }: KernelLink): boolean =>
    altNames.some((name) => /^muster\.(addr|had|via)\./.test(name));
  if (interfaces.length === 0 && ![...links.values()].some(isNoted)) return [];
  return readDefaultRoutes(runner);
}
