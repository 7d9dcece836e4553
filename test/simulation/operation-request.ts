/** One operation that is asked for, and how its end is waited for. */
import { isEnded, type OperationRecord, type VmId } from "@muster/model";
import type { SimulatedCluster } from "./simulated-cluster.ts";

export const WAIT_MS = 90 * 60_000;

export interface Scene {
  readonly cluster: SimulatedCluster;
  /** Present unless the operation makes it. */
  readonly vmId: VmId | undefined;
}

/** How an operation is asked for, in a cluster with a running VM "web" on h1. */
export interface Request {
  readonly type: string;
  /** Steps in order, as the request makes them. */
  readonly steps: readonly string[];
  readonly ask: (scene: Scene) => Promise<string>;
  /** What must be so before it is asked for, beyond a running VM. */
  readonly before?: (scene: Scene) => Promise<void>;
}

export const why = undefined;

export async function askAndWait(scene: Scene, ask: Request["ask"]): Promise<void> {
  const id = await ask(scene);
  await untilEnded(scene.cluster, id);
}

export function operationOf(cluster: SimulatedCluster, id: string): OperationRecord {
  const operations = cluster.coordinator.ledger.view.operations.values();
  const found = [...operations].find((operation) => operation.id === id);
  if (found === undefined) throw new Error(`operation ${id} is lost`);
  return found;
}

export async function untilEnded(cluster: SimulatedCluster, id: string): Promise<OperationRecord> {
  const hasEnded = (): boolean =>
    cluster.isCoordinatorUp && isEnded(operationOf(cluster, id).state);
  if (!(await cluster.clock.runUntil(hasEnded, WAIT_MS))) {
    throw new Error(`operation ${id} is still ${operationOf(cluster, id).state}`);
  }
  return operationOf(cluster, id);
}
