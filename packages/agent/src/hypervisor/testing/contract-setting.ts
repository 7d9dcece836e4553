/** What the contract suite needs of the hypervisor it is run on, and the few words it is written in. */
import { isMusterError, type ErrorCode, type MigrateAction, type VmId } from "@muster/model";
import { expect } from "vitest";
import type { SampleOptions } from "./definition-samples.ts";
import type { Hypervisor, VmDefinition } from "../hypervisor.ts";

export interface ContractSetting extends AsyncDisposable {
  readonly hypervisor: Hypervisor;
  /** Awaits with time passing, simulated or real. */
  pass<Value>(promise: Promise<Value>): Promise<Value>;
  /** Lets time pass until it is true; fails after a limit of its own. */
  until(predicate: () => Promise<boolean> | boolean): Promise<void>;
  /** Defines a stopped domain without a mark. */
  makeWild(name: string): Promise<VmId>;
  /** A definition this driver can start. */
  definition(options: SampleOptions): VmDefinition;
}

export const migrateAction = (
  vmId: VmId,
  targetUri: string,
  change: Partial<MigrateAction> = {},
): MigrateAction => ({
  kind: "migrate-vm",
  vmId,
  targetUri,
  bandwidthMibPerSecond: 0,
  autoConverge: false,
  copyStorage: false,
  tls: false,
  downtimeLimitMs: 0,
  migrationAddress: "",
  ...change,
});

export type At = () => ContractSetting;

export async function refused(at: At, code: ErrorCode, attempt: Promise<unknown>): Promise<void> {
  await expect(at().pass(attempt)).rejects.toSatisfy(
    (error: unknown) => isMusterError(error) && error.code === code,
    `expected a MusterError "${code}"`,
  );
}

export async function define(at: At, options: SampleOptions = {}): Promise<VmDefinition> {
  const definition = at().definition(options);
  await at().pass(at().hypervisor.control.define(definition));
  return definition;
}

export async function start(at: At, options: SampleOptions = {}): Promise<VmDefinition> {
  const definition = await define(at, options);
  await at().pass(at().hypervisor.control.power(definition.vmId, "start"));
  return definition;
}

export const observe = (at: At, vmId: VmId): ReturnType<Hypervisor["watch"]["observe"]> =>
  at().pass(at().hypervisor.watch.observe(vmId));

export const power = (
  at: At,
  vmId: VmId,
  action: Parameters<Hypervisor["control"]["power"]>[1],
): Promise<void> => at().pass(at().hypervisor.control.power(vmId, action));
