import { AdminService } from "@muster/proto/admin";
import type { Session } from "../session.ts";
import { decodeVirtualCluster, type VirtualClusterView } from "../view/virtual-cluster.ts";
import { required } from "../view/required.ts";
import type { Outcome } from "./finish-operation.ts";

export async function showCluster(session: Session, name: string): Promise<VirtualClusterView> {
  const { clusters } = await session.admin.call(AdminService.listVirtualClusters, {
    doing: `show virtual cluster ${name}`,
    request: { name },
  });
  return decodeVirtualCluster(required(clusters[0], "cluster"));
}

export async function clusterOutcome(session: Session, name: string): Promise<Outcome> {
  const cluster = await showCluster(session, name);
  const computes = cluster.members.filter(({ role }) => role === "compute").length;
  const where = cluster.publicAddress === "" ? "" : ` at ${cluster.publicAddress}`;
  const lost = cluster.givenUp.map(({ inside, why }) => `; gave up ${inside}: ${why}`).join("");
  const count = `${String(computes)} compute${computes === 1 ? "" : "s"}`;
  return {
    sentence: `virtual cluster ${name} is ${cluster.state}${where}, with ${count}${lost}`,
    data: { cluster },
  };
}
