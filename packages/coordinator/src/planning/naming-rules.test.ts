import { describe, expect, it } from "vitest";
import { aHost, aVm, hostIdOf, vmIdOf, viewOf } from "../testing/builders.ts";
import { rulesNaming } from "./naming-rules.ts";

const [h1, h2] = [hostIdOf(1), hostIdOf(2)];
const view = viewOf(
  ["host", aHost(1)],
  ["host", aHost(2)],
  ["vm", aVm(1, { rules: { pinnedTo: [h1] } })],
  ["vm", aVm(2, { rules: { pinnedTo: [h2, h1], home: h1 } })],
  ["vm", aVm(3, { rules: { pinnedTo: [h2] } })],
  ["vm", aVm(4)],
);

describe("rules that name a host", () => {
  it("are told with the VM, what they say, and whom they name beside", () => {
    expect(rulesNaming(view, h1, new Set())).toEqual([
      "VM vm-1 is pinned to it",
      "VM vm-2 has its home there",
      "VM vm-2 is pinned to it and h2",
    ]);
  });

  it("of VMs that go with the host do not count", () => {
    expect(rulesNaming(view, h1, new Set([vmIdOf(1), vmIdOf(2)]))).toEqual([]);
  });
});
