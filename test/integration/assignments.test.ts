/** What the coordinator tells of assignments and what the agent makes of it, together. */
import { noHostNetworking, type NetworkSpec, type VmAssignment } from "@muster/model";
import { aNetwork } from "@muster/model/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyAssignments, type Assigned } from "../../packages/agent/src/assignments/assigned.ts";
import {
  fullAssignments,
  increment,
  type HostAssignments,
} from "../../packages/coordinator/src/sessions/assignments.ts";
import { vmIdOf } from "../../packages/coordinator/src/testing/builders.ts";

const anyHostAssignments: fc.Arbitrary<HostAssignments> = fc
  .record({
    networks: fc.uniqueArray(
      fc
        .record({
          name: fc.constantFrom("blue", "green", "red"),
          vlan: fc.integer({ min: 1, max: 4 }),
        })
        .map(aNetwork),
      { selector: ({ name }) => name },
    ),
    vms: fc.uniqueArray(
      fc.record({
        id: fc.integer({ min: 1, max: 5 }).map(vmIdOf),
        name: fc.constant("vm"),
        generation: fc.integer({ min: 1, max: 3 }),
        nics: fc.constantFrom([], [{ network: "blue", mac: "52:54:00:00:00:01" }]),
      }),
      { selector: ({ id }) => id },
    ),
    coordinators: fc.subarray(["https://c1:7443", "https://c2:7443", "https://c3:7443"]),
  })
  .map(({ networks, vms, coordinators }) => ({
    coordinators,
    networks: new Map(networks.map((spec): [string, NetworkSpec] => [spec.name, spec])),
    vms: new Map(vms.map((vm): [VmAssignment["id"], VmAssignment] => [vm.id, vm])),
    hostNetwork: {
      ...noHostNetworking,
      revision: networks.map(({ name }) => name).join(),
      attempt: 1,
      confirmTimeoutMs: 10_000,
      overrideProtected: false,
    },
    probes: networks.map(({ name }) => ({ networks: [name], peers: [] })),
  }));

const sorted = (values: readonly unknown[]): readonly string[] =>
  values.map((value) => JSON.stringify(value)).toSorted();

function expectSame(assigned: Assigned | undefined, now: HostAssignments): void {
  expect(sorted(assigned?.networks ?? [])).toStrictEqual(sorted([...now.networks.values()]));
  expect(sorted(assigned?.vms ?? [])).toStrictEqual(sorted([...now.vms.values()]));
}

describe("assignments", () => {
  it("applied one increment after another are what the coordinator means", () => {
    fc.assert(
      fc.property(fc.array(anyHostAssignments, { minLength: 1, maxLength: 10 }), (states) => {
        const [first, ...rest] = states;
        if (first === undefined) return;
        let told = first;
        let revision = 1n;
        const full = fullAssignments(first, revision);
        let assigned = applyAssignments(undefined, full);
        let coordinators = full.coordinators ?? [];
        for (const now of rest) {
          const message = increment(told, now, revision);
          if (message === undefined) {
            expectSame(assigned, now);
            continue;
          }
          assigned = applyAssignments(assigned, message);
          coordinators = message.coordinators ?? coordinators;
          expect(coordinators).toStrictEqual(now.coordinators);
          [told, revision] = [now, message.resultsIn];
          expectSame(assigned, now);
        }
      }),
    );
  });

  it("that were lost on the way are noticed with the next one", () => {
    fc.assert(
      fc.property(
        anyHostAssignments,
        anyHostAssignments,
        anyHostAssignments,
        (first, lost, last) => {
          const assigned = applyAssignments(undefined, fullAssignments(first, 1n));
          const missing = increment(first, lost, 1n);
          fc.pre(missing !== undefined);
          const next = increment(lost, last, missing.resultsIn);
          fc.pre(next !== undefined);
          expect(applyAssignments(assigned, next)).toBeUndefined();
        },
      ),
    );
  });

  it("in full replace whatever was there before", () => {
    fc.assert(
      fc.property(anyHostAssignments, anyHostAssignments, (before, now) => {
        const old = applyAssignments(undefined, fullAssignments(before, 9n));
        expectSame(applyAssignments(old, fullAssignments(now, 1n)), now);
      }),
    );
  });
});
