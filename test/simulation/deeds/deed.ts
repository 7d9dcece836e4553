/** Something that people, programs or misfortune do to a simulated cluster. */
import type { VmRecord } from "@muster/model";
import type { Random } from "@muster/runtime";
import type { SimulatedCluster } from "../simulated-cluster.ts";

export interface Deed {
  readonly name: string;
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  /** A misfortune, as opposed to a request. */
  readonly isFault: boolean;
  /** How long it lasts at least and at most. Absent: it is over at once. */
  readonly lastsMs?: readonly [number, number];
  /** Does it. What is given back ends it. */
  begin(scene: Scene): (() => void) | undefined;
}

/** What a deed works on. */
export interface Scene {
  readonly cluster: SimulatedCluster;
  /** Of this deed alone. */
  readonly random: Random;
  /** Written down for whoever looks at a failing history. */
  note(what: string): void;
  /** A request; a refusal is a fine answer, and is written down with it. */
  ask(what: string, request: () => Promise<unknown>): void;
  /** A name that was not used yet. */
  newName(prefix: string): string;
}

export function pick<Value>({ random }: Scene, values: readonly Value[]): Value | undefined {
  return values[Math.floor(random.fraction() * values.length)];
}

export const anyHost = (scene: Scene): string => pick(scene, scene.cluster.hostNames) ?? "h1";

export function anyVm(scene: Scene): VmRecord | undefined {
  const view = scene.cluster.lastView;
  return view === undefined ? undefined : pick(scene, [...view.vms.values()]);
}
