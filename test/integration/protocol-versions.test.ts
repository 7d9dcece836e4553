/** An agent of the version before, which speaks protocol 1 only, at this version's coordinator. */
import type { AgentMessage, CoordinatorMessage } from "@muster/model";
import { anyFullReport, anyVmObservation } from "@muster/model/testing";
import { agentCodec } from "@muster/model/wire";
import { DispatchService } from "@muster/proto/dispatch";
import { connect, mapLink } from "@muster/runtime";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { trustOf } from "../../packages/agent/src/enrolment/identity.ts";
import { RealCluster, until } from "./real-cluster.ts";

let cluster: RealCluster;

beforeAll(async () => {
  cluster = await RealCluster.start();
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

it("an agent of protocol 1 is welcomed with it, heard, and not answered more than it understands", async () => {
  const identity = await cluster.joinHost("old");
  using client = await connect({
    addresses: [cluster.address],
    trust: trustOf(identity),
    timeoutMs: 5_000,
  });
  const link = mapLink(client.open(DispatchService.session), agentCodec());
  const heard: CoordinatorMessage[] = [];
  const reading = (async () => {
    for await (const message of link.incoming) heard.push(message);
  })();
  const say = (message: AgentMessage): void => {
    link.send(message);
  };
  say({
    kind: "hello",
    protocolVersions: [1],
    agentVersion: "0.0.9",
    agentIncarnation: "one",
    migrationAddress: "old",
    metricsAddress: "",
  });
  await until("the welcome", () => heard.length > 0);
  expect(heard[0]).toMatchObject({ kind: "welcome", protocolVersion: 1 });
  const [sample] = fc.sample(anyFullReport, { numRuns: 1, seed: 1 });
  const [vm] = fc.sample(anyVmObservation, { numRuns: 1, seed: 1 });
  if (sample === undefined || vm === undefined) throw new Error("no sample");
  const report = { ...sample, vms: [vm], networks: [], runningCommandIds: [] };
  say({ ...report, sequence: 1n });
  say({ kind: "heartbeat", sequence: 1n, libvirtAlive: true, number: 0 });
  say({ ...report, sequence: 2n, vms: [{ ...vm, state: "paused" }] });
  const { observations } = cluster.daemon.coordinator;
  const seen = () => observations.get(identity.hostId);
  await until("its second report", () => seen()?.sequence === 2n);
  expect(seen()?.vms.get(vm.id)?.state).toBe("paused");
  expect(heard.map(({ kind }) => kind)).not.toContain("heartbeat-answer");
  link.close();
  await reading;
});
