/** The rows of ExportVms say what the command line makes of ListVms, whatever the VM. */
import { parseName, type HostId, type VmRecord } from "@muster/model";
import { anyName, anyVmId, anyVmObservation, anyVmSpec } from "@muster/model/testing";
import { Vm } from "@muster/proto/admin";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { decodeVm } from "../../packages/cli/src/view/vm.ts";
import { renderJson } from "../../packages/cli/src/render/serialize.ts";
import { encodeVm, encodeWildVm } from "../../packages/coordinator/src/api/encode-vm.ts";
import { VmRows } from "../../packages/coordinator/src/api/vm-rows.ts";
import type { VmView } from "../../packages/coordinator/src/api/vm-view.ts";
import { Tables } from "../../packages/coordinator/src/ledger/view.ts";

const h1 = "a0000000-0000-4000-8000-000000000001" as HostId;
const view = new Tables();
view.put("host", { id: h1, name: parseName("h1", "name") });

const anyRules = fc.constantFrom<Partial<Pick<VmRecord, "rules" | "away" | "wanted" | "recovery">>>(
  {},
  { rules: { groups: ["db"], home: h1, priority: -3 } },
  { rules: { pinnedTo: [h1], environment: "PRD" }, away: h1 },
  {
    wanted: "running",
    recovery: {
      restartsMs: [1, 2],
      error: { message: 'it "will" not start', at: "2026-01-01T00:00:00.000Z" },
    },
  },
);

const anyRecord: fc.Arbitrary<VmRecord> = fc
  .tuple(anyVmId, anyVmSpec, fc.boolean(), anyRules)
  .map(([id, spec, isPlaced, rules]) => ({
    id,
    spec,
    created: true,
    createdAt: "2026-01-01T00:00:00.000Z",
    ...(isPlaced ? { placement: { hostId: h1, generation: 7 } } : {}),
    ...rules,
  }));

const anyView: fc.Arbitrary<VmView> = fc.record({
  record: anyRecord,
  state: fc.constantFrom<VmView["state"]>("running", "creating", "missing", "unknown"),
  hostName: fc.oneof(fc.constant(""), anyName),
  targetHostName: fc.oneof(fc.constant(""), anyName),
  observed: fc.option(anyVmObservation, { nil: undefined }),
  observedAgeMs: fc.nat(),
  trouble: fc.string({ unit: "grapheme" }),
});

const shownByCli = (wire: Vm): unknown =>
  JSON.parse(renderJson(decodeVm(Vm.decode(Vm.encode(wire).finish()))));

it("rows of VMs say what the command line shows", () => {
  const rows = new VmRows();
  fc.assert(
    fc.property(anyView, (vm) => {
      const row: unknown = JSON.parse(rows.row(vm, view));
      expect(row).toStrictEqual(shownByCli(encodeVm(vm, view)));
      // Once more from what it remembers.
      expect(JSON.parse(rows.row(vm, view))).toStrictEqual(row);
    }),
  );
});

it("rows of wild VMs say what the command line shows", () => {
  const rows = new VmRows();
  fc.assert(
    fc.property(anyVmObservation, fc.nat(), (observed, ageMs) => {
      const row: unknown = JSON.parse(rows.wildRow({ observed, hostName: "h1", ageMs }));
      expect(row).toStrictEqual(shownByCli(encodeWildVm(observed, "h1", ageMs)));
    }),
  );
});
