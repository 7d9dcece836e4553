/** Fence devices: who runs them, and how their secrets are kept. */
import type { FenceAction, FenceDevice, HostAction } from "@muster/model";
import type { FenceOutcome, FenceRunner } from "@muster/runtime";

/** Seals secrets so that a copy of the store alone does not give them away. */
export interface Seal {
  seal(text: string): string;
  /** @throws MusterError when it was sealed with another key, or is damaged. */
  open(sealed: string): string;
}

export interface Fencing {
  /** Runs agents on the coordinator's own machine. */
  readonly runner: FenceRunner;
  readonly seal: Seal;
}

export const orderFor = (
  device: FenceDevice,
  action: FenceAction,
  seal: Seal,
): Extract<HostAction, { kind: "run-fence" }> => ({
  kind: "run-fence",
  agent: device.agent,
  action,
  parameters: {
    ...device.parameters,
    ...Object.fromEntries(
      Object.entries(device.sealed).map(([name, sealed]) => [name, seal.open(sealed)]),
    ),
  },
});

/** What a peer found. */
export const outcomeOf = (findings: readonly string[] | undefined): FenceOutcome => {
  const power = findings?.find((line) => line === "on" || line === "off");
  return power === "on" || power === "off" ? { power } : {};
};
