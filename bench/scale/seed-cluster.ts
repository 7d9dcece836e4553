/** Writes a coordinator's data directory with a cluster that has lived: hosts enrolled, VMs created and placed. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { networkDefaults, parseClusterId, type HostRecord } from "@muster/model";
import type { HostIdentity } from "../../packages/agent/src/enrolment/identity.ts";
import { createCertificateRequest, systemClock, systemRandom } from "@muster/runtime";
import { Authority } from "../../packages/coordinator/src/authority/authority.ts";
import { Ledger, put, type RecordChange } from "../../packages/coordinator/src/ledger/ledger.ts";
import { TRANSACTION_RECORDS_MAX } from "../../packages/coordinator/src/store/store.ts";
import { SqliteStore } from "../../packages/coordinator/src/store/sqlite-store.ts";
import { hostIdOf, hostName, NETWORK, specOf, vmIdOf, type ClusterSize } from "./cluster-plan.ts";

const WHEN = "2026-01-01T00:00:00.000Z";

export interface SeededCluster {
  readonly dataDirectory: string;
  /** JSON: the identity of every host, for the fleet. */
  readonly identitiesPath: string;
}

export async function seedCluster(
  directory: string,
  size: ClusterSize,
  coordinatorAddress: string,
): Promise<SeededCluster> {
  const dataDirectory = join(directory, "coordinator");
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  await using store = SqliteStore.open(join(dataDirectory, "state.sqlite"));
  const ledger = await Ledger.open(store, () => parseClusterId(systemRandom.uuid()));
  const { id: clusterId } = ledger.view.cluster;
  const [clock, random] = [systemClock, systemRandom];
  const authority = await Authority.open({ dataDirectory, clusterId, clock, random });
  const identities: HostIdentity[] = [];
  const changes: RecordChange[] = [blue];
  for (let host = 1; host <= size.hosts; host += 1) {
    const { identity, record } = await enrol(host, authority);
    identities.push({ ...identity, clusterId, coordinators: [coordinatorAddress] });
    changes.push(put("host", record), ...vmsOf(host, size.vmsPerHost));
  }
  for (let from = 0; from < changes.length; from += TRANSACTION_RECORDS_MAX) {
    const some = changes.slice(from, from + TRANSACTION_RECORDS_MAX);
    await ledger.transact(() => ({ changes: some, result: undefined }));
  }
  const identitiesPath = join(directory, "identities.json");
  await writeFile(identitiesPath, JSON.stringify(identities), { mode: 0o600 });
  return { dataDirectory, identitiesPath };
}

const blue = put("network", {
  spec: { ...networkDefaults, name: NETWORK, segment: { kind: "vlan", vlan: 100 } },
  createdAt: WHEN,
  removing: false,
});

async function enrol(
  host: number,
  authority: Authority,
): Promise<{
  readonly identity: Omit<HostIdentity, "clusterId" | "coordinators">;
  readonly record: HostRecord;
}> {
  const [id, name] = [hostIdOf(host), hostName(host)];
  const { privateKey, request } = createCertificateRequest();
  const { certificate, serial, expiresAt } = await authority.issueHost({ id, name, request });
  return {
    identity: {
      hostId: id,
      hostName: name,
      privateKey,
      certificate,
      authority: authority.certificate,
    },
    record: {
      id,
      name,
      cordoned: false,
      cordonReason: "",
      certificateSerial: serial,
      certificateExpiresAt: expiresAt,
      enrolledAt: WHEN,
      connectedBefore: true,
    },
  };
}

const vmsOf = (host: number, count: number): readonly RecordChange[] =>
  Array.from({ length: count }, (_, index) =>
    put("vm", {
      id: vmIdOf(host, index),
      spec: specOf(host, index),
      placement: { hostId: hostIdOf(host), generation: 1 },
      created: true,
      createdAt: WHEN,
    }),
  );
