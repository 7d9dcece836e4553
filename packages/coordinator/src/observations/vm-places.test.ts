import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostIdOf, vmIdOf } from "../testing/builders.ts";
import { VmPlaces } from "./vm-places.ts";

const sightings = fc.array(
  fc.tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 5 }),
  ),
  { maxLength: 30 },
);

describe("the places of a VM", () => {
  it("are the hosts whose last report has it", () => {
    fc.assert(
      fc.property(sightings, (reports) => {
        const places = new VmPlaces();
        const last = new Map<number, ReadonlyMap<ReturnType<typeof vmIdOf>, true>>();
        for (const [host, vms] of reports) {
          const now = new Map(vms.map((vm) => [vmIdOf(vm), true] as const));
          places.change(hostIdOf(host), last.get(host) ?? new Map(), now);
          last.set(host, now);
        }
        for (const vm of [1, 2, 3, 4, 5]) {
          const hosts = [...last].filter(([, vms]) => vms.has(vmIdOf(vm)));
          expect(places.hostsWith(vmIdOf(vm)).toSorted()).toStrictEqual(
            hosts.map(([host]) => hostIdOf(host)).toSorted(),
          );
        }
      }),
    );
  });
});
