/** Many VMs asked for at once: until all are accepted, until all run. */
import { GIB } from "@muster/model";
import { AdminService, OperationState, type Operation } from "@muster/proto/admin";
import { VmSpec } from "@muster/proto/types";
import type { MeasuredCluster } from "./measured-cluster.ts";
import { pause } from "./programs.ts";
import { share, type Row } from "./table.ts";

/** As many people's scripts as would do this at once. */
const AT_ONCE = 64;
const WAIT_MS = 180_000;
const REQUEST_MS = 120_000;

export async function measureBurst(
  cluster: MeasuredCluster,
  count: number,
): Promise<readonly Row[]> {
  const { client } = cluster;
  const cpu = cluster.cpuSeconds;
  const [cpuBefore, beganMs] = [cpu(), performance.now()];
  const tookMs: number[] = [];
  const ids: string[] = [];
  let next = 0;
  const ask = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      const name = `burst-${String(next)}`;
      const askedMs = performance.now();
      ids.push((await create(cluster, name)).id);
      tookMs.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  const acceptedMs = performance.now() - beganMs;
  const cpuAccepted = cpu() - cpuBefore;
  const endMs = performance.now() + WAIT_MS;
  for (;;) {
    const { operations } = await client.unary(AdminService.listOperations, {
      active: true,
      subject: "",
      limit: count,
    });
    if (operations.length === 0) break;
    if (performance.now() > endMs) throw new Error(`${String(operations.length)} do not end`);
    await pause(200);
  }
  const doneMs = performance.now() - beganMs;
  const failed = await failures(cluster, ids);
  tookMs.sort((left, right) => left - right);
  const name = `${String(count)} creates, ${String(AT_ONCE)} at once`;
  return [
    { what: `${name}: all accepted`, value: acceptedMs / 1_000, unit: "s" },
    { what: `${name}: answer p50`, value: share(tookMs, 0.5), unit: "ms" },
    { what: `${name}: answer p99`, value: share(tookMs, 0.99), unit: "ms" },
    { what: `${name}: CPU until accepted`, value: cpuAccepted, unit: "s" },
    { what: `${name}: all running`, value: doneMs / 1_000, unit: "s" },
    { what: `${name}: CPU in all`, value: cpu() - cpuBefore, unit: "s" },
    { what: `${name}: failed`, value: failed, unit: "", bar: 0 },
  ];
}

async function create({ client }: MeasuredCluster, name: string): Promise<Operation> {
  const spec = {
    ...VmSpec.decode(new Uint8Array()),
    name,
    cpus: 1,
    memoryBytes: GIB,
    disks: [{ storage: "shared", sizeBytes: 20n * GIB, baseVolume: "" }],
  };
  const request = AdminService.createVm.requestDeserialize(Buffer.alloc(0));
  const { operation } = await client.unary(
    AdminService.createVm,
    { ...request, spec },
    { timeoutMs: REQUEST_MS },
  );
  if (operation === undefined) throw new Error(`no operation for ${name}`);
  return operation;
}

async function failures({ client }: MeasuredCluster, ids: readonly string[]): Promise<number> {
  let failed = 0;
  for (const id of ids) {
    const { operation } = await client.unary(AdminService.getOperation, { id });
    if (operation?.state !== OperationState.SUCCEEDED) failed += 1;
  }
  return failed;
}
