import type { HostId, VmId } from "@muster/model";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aVm, hostIdOf, onHost, vmIdOf } from "../testing/builders.ts";
import { Tables } from "./view.ts";

const place = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
const change = fc.record({
  vm: fc.integer({ min: 1, max: 5 }),
  placement: place,
  target: place,
  leaves: fc.boolean(),
});

describe("the VMs of a host", () => {
  it("are those that are placed there or on their way there, whatever happened before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const tables = new Tables();
        for (const { vm, placement, target, leaves } of changes) {
          const record = aVm(vm, {
            ...(placement === undefined ? {} : { placement: onHost(placement) }),
            ...(target === undefined ? {} : { target: onHost(target, 2) }),
          });
          if (leaves) tables.remove("vm", record);
          else tables.put("vm", record);
        }
        for (const host of [1, 2, 3]) {
          const id: HostId = hostIdOf(host);
          const expected = [...tables.vms.values()].filter(
            (vm) => vm.placement?.hostId === id || vm.target?.hostId === id,
          );
          expect(new Map(tables.vmsOn(id))).toStrictEqual(
            new Map(expected.map((vm): [VmId, unknown] => [vm.id, vm])),
          );
        }
      }),
    );
    expect(new Tables().vmsOn(hostIdOf(1)).has(vmIdOf(1))).toBe(false);
  });
});
