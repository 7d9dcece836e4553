/** Goal: what people see changes only on purpose. The golden files in test/golden are reviewed like code. */
import { HostState, OperationState, StepState, VmDisplayState } from "@muster/proto/admin";
import type { VmState } from "@muster/proto/types";
import { NetworkKind, NetworkState } from "@muster/proto/types";
import { describe, expect, it } from "vitest";
import {
  aHost,
  aNetwork,
  anOperation,
  aStep,
  aSucceededOperation,
  aVm,
  aNetworkOnHost,
  aNetworkSpec,
} from "../testing/builders.ts";
import { decodeHost } from "../view/host.ts";
import { decodeNetwork } from "../view/network.ts";
import { decodeEvent, decodeOperation } from "../view/operation.ts";
import { decodeVm } from "../view/vm.ts";
import { renderCluster, summarize } from "./cluster.ts";
import { renderFailure } from "./failure.ts";
import { renderHost, renderHosts, renderHostsWide } from "./host.ts";
import { renderNetwork, renderNetworks, renderNetworksWide } from "./network.ts";
import {
  renderEvent,
  renderOperation,
  renderOperations,
  renderOperationsWide,
} from "./operation.ts";
import { renderJson, renderYaml } from "./serialize.ts";
import { paintNothing as paint } from "./style.ts";
import { renderVm, renderVms, renderVmsWide } from "./vm.ts";

const now = new Date("2026-01-01T02:30:00Z");

const vms = [
  aVm(),
  aVm({
    name: "db-1",
    state: VmDisplayState.MIGRATING,
    targetHost: "h2",
    operationId: "op-000007",
  }),
  aVm({ name: "lost", state: VmDisplayState.UNKNOWN, observedAgeMs: 35_000n }),
  aVm({ name: "gone", state: VmDisplayState.MISSING, trouble: "h1 does not have it", host: "h1" }),
  aVm({ name: "new", state: VmDisplayState.CREATING, host: "", observed: undefined }),
  aVm({
    name: "old-domain",
    managed: false,
    spec: undefined,
    createdAt: "",
    state: VmDisplayState.PAUSED,
  }),
].map(decodeVm);

const hosts = [
  aHost(),
  aHost({ name: "h2", cordoned: true, cordonReason: "new memory on Tuesday" }),
  aHost({ name: "h3", state: HostState.UNKNOWN, silentMs: 95_000n }),
  aHost({ name: "h4", state: HostState.JOINING, inventory: undefined, load: undefined }),
].map(decodeHost);

const blue = aNetwork();
const networks = [
  blue,
  aNetwork({
    spec: aNetworkSpec({ name: "green", vlan: 20, mtu: 9_000, hosts: ["h1", "h2", "h3"] }),
    hosts: [
      ...blue.hosts.slice(0, 1),
      {
        host: "h2",
        online: true,
        usable: false,
        problem: "no bridge br0",
        observed: aNetworkOnHost({
          name: "green",
          state: NetworkState.FAILED,
          message: "no bridge br0",
          vlan: 20,
          driver: "linux-bridge",
          bridge: "",
        }),
      },
      { host: "h3", online: false, observed: undefined, usable: false, problem: "" },
    ],
  }),
  ...[
    { name: "office", kind: NetworkKind.UNTAGGED, vlan: 0, hostPool: "desk" },
    {
      name: "routers",
      kind: NetworkKind.TRUNK,
      vlan: 0,
      trunk: [
        { first: 10, last: 10 },
        { first: 20, last: 29 },
      ],
      hostLabels: "rack=7",
    },
    { name: "tenants", kind: NetworkKind.VXLAN, vlan: 0, vni: 5_001 },
    { name: "of-tomorrow", kind: 57 as NetworkKind, vlan: 0 },
  ].map((spec) => aNetwork({ spec: aNetworkSpec(spec), hosts: [] })),
].map(decodeNetwork);

const failed = anOperation({
  id: "op-000003",
  state: OperationState.FAILED,
  endedAt: "2026-01-01T00:01:05Z",
  error: {
    code: "hypervisor-failed",
    message: "failed to migrate vm web-1 from h1 to h2",
    cause: "unable to connect to server at '10.99.0.2:49152': No route to host",
    hint: "check that h1 reaches h2",
    reasons: [],
  },
  steps: [
    aStep({ name: "reserve-target", state: StepState.UNDONE, host: "h2", phase: "" }),
    aStep({
      state: StepState.FAILED,
      phase: "",
      error: { code: "x", message: "No route to host", cause: "", hint: "", reasons: [] },
    }),
    aStep({ name: "clean-source", state: StepState.WAITING, phase: "", durationMs: 0n }),
  ],
});

const operations = [anOperation(), aSucceededOperation({ id: "op-000002" }), failed].map(
  decodeOperation,
);

const event = decodeEvent({
  sequence: 5n,
  at: "2026-01-01T00:00:00Z",
  kind: "vm-state-changed",
  subject: "vm/web-1",
  message: "running to paused",
  host: "h1",
  operationId: "",
});

const cluster = {
  highAvailability: { mode: "armed" as const, brake: "", vmCount: 0, inErrorCount: 0 },
  clusterId: "00000000-0000-4000-8000-0000000000c1",
  version: "0.1.0",
  coordinator: "unix:///run/muster/coordinator.sock",
  authorityFingerprint: "ab:cd",
  agentAddresses: ["10.99.0.250:7442"],
  metricsAddress: "http://127.0.0.1:9181/metrics",
  openPlans: [],
  ...summarize(hosts, vms),
  activeOperations: operations.slice(0, 1),
};

const detail = {
  message: "cannot create vm web-1: no host fits",
  cause: "",
  reasons: ["h1: not enough memory: wants 4 GiB, 1.5 GiB free", "h2: cordoned"],
  hint: "ask `muster explain vm` for every host",
};

const golden: Readonly<Record<string, string>> = {
  "host-ls": renderHosts(hosts, paint),
  "host-ls-wide": renderHostsWide(hosts, paint),
  "host-show": hosts
    .map((host) => renderHost({ host, vms: host.name === "h1" ? vms : [] }, now, paint))
    .join("----\n"),
  "vm-ls": renderVms(vms, now, paint),
  "vm-ls-wide": renderVmsWide(vms, now, paint),
  "vm-show": vms.map((vm) => renderVm(vm, now, paint)).join("----\n"),
  "vm-show-json": vms.slice(0, 1).map(renderJson).join(""),
  "vm-show-yaml": vms.slice(0, 1).map(renderYaml).join(""),
  "host-show-json": hosts.slice(0, 1).map(renderJson).join(""),
  "op-show-json": operations.slice(2).map(renderJson).join(""),
  "network-show-json": networks.slice(1).map(renderJson).join(""),
  "network-ls": renderNetworks(networks, now, paint),
  "network-ls-wide": renderNetworksWide(networks, now, paint),
  "network-show": networks.map((network) => renderNetwork(network, now, paint)).join("----\n"),
  "op-ls": renderOperations(operations, now, paint),
  "op-ls-wide": renderOperationsWide(operations, now, paint),
  "op-show": operations.map((operation) => renderOperation(operation, now, paint)).join("----\n"),
  status: renderCluster(cluster, now, paint),
  events: renderEvent(event, paint) + renderEvent({ ...event, operationId: "op-000001" }, paint),
  failure: renderFailure(detail, paint, { isComplete: false }),
};

describe("golden output", () => {
  it.each(Object.entries(golden))("%s", async (name, text) => {
    await expect(text).toMatchFileSnapshot(`../../test/golden/${name}.txt`);
  });

  it("says unrecognized, never a guess, for states of a newer coordinator", () => {
    const observed = { ...aVm().observed, state: 57 as VmState };
    const newer = { ...aVm(), state: 57 as VmDisplayState };
    expect(decodeVm(newer).state).toBe("unrecognized");
    expect(
      decodeVm({ ...aVm(), observed: { ...observed } as typeof newer.observed }).observed?.state,
    ).toBe("unrecognized");
  });
});
