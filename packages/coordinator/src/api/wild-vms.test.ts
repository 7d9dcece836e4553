import { SimulatedClock } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Observations } from "../observations/observations.ts";
import { aHello, aHost, aReport, aVm, hostIdOf, seen, viewOf } from "../testing/builders.ts";
import { findManagedVm, findWildVm } from "./wild-vms.ts";

function sources() {
  const observations = new Observations(new SimulatedClock());
  observations.sessionOpened(hostIdOf(1), aHello);
  const wild = seen(7, { name: "old-mail", managed: false, generation: 0 });
  observations.fullReport(hostIdOf(1), aReport([wild, seen(2)]));
  const view = viewOf(["host", aHost(1)], ["vm", aVm(2)]);
  return { ledger: { view }, observations };
}

describe("wild VMs", () => {
  it("are found by name and by id, with their host", () => {
    const found = findWildVm(sources(), "old-mail");
    expect(found).toMatchObject({ hostName: aHost(1).name, ageMs: 0 });
    expect(findWildVm(sources(), found?.observed.id ?? "")).toEqual(found);
  });

  it("are refused as what they are when somebody wants to change one", () => {
    expect(() => findManagedVm(sources(), "old-mail")).toThrow("is a wild VM");
  });

  it("do not stand in the way of managed ones", () => {
    const { id, spec } = aVm(2);
    expect(findManagedVm(sources(), spec.name).id).toBe(id);
    expect(findWildVm(sources(), spec.name)).toBeUndefined();
    expect(() => findManagedVm(sources(), "nobody")).toThrow('there is no VM "nobody"');
  });
});
