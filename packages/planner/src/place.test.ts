import { describe, expect, it } from "vitest";
import { renderAnswer } from "./explain.ts";
import { applyClaim, openPlanner, place } from "./place.ts";
import { GiB, aClaim, aHost, aRequest, aSnapshot, aVm } from "./testing/builders.ts";

describe("place", () => {
  it("takes the emptier host and says how it beat the other", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2")],
      vms: [aVm("v1", { hostId: "h1", memoryBytes: 8n * GiB })],
    });
    const answer = place(snapshot, aRequest());
    expect(answer).toMatchObject({
      ok: true,
      hostId: "h2",
      examined: 2,
      feasible: 2,
      runnerUp: { hostId: "h1" },
    });
    expect(renderAnswer(answer)[0]).toBe("VM new (1 CPU, 1 GiB) goes to h2");
  });

  it("refuses with every failed check of every host, counts first", () => {
    const snapshot = aSnapshot({
      hosts: [
        aHost("h1", { cordoned: true }),
        aHost("h2", { capacity: { memoryBytes: 1n * GiB } }),
        aHost("h3", { state: "lost", capacity: { memoryBytes: 1n * GiB } }),
      ],
    });
    const answer = place(snapshot, aRequest({ name: "web-3", memoryBytes: 2n * GiB }));
    expect(renderAnswer(answer, { all: true })).toEqual([
      "no host can take VM web-3 (1 CPU, 2 GiB); of 3 hosts:",
      "  2 short of memory",
      "  1 cordoned",
      "  1 not online",
      "h1: the host is cordoned",
      "h2: not enough memory: wants 2 GiB, 1 GiB of 1 GiB free (1 GiB short)",
      "h3:",
      "  the host is lost",
      "  not enough memory: wants 2 GiB, 1 GiB of 1 GiB free (1 GiB short)",
    ]);
  });

  it("says so when there are no hosts", () => {
    expect(renderAnswer(place(aSnapshot(), aRequest()))).toEqual([
      "no host can take VM new (1 CPU, 1 GiB): there are no hosts",
    ]);
  });

  it("answers survive JSON", () => {
    const snapshot = aSnapshot({ hosts: [aHost("h1"), aHost("h2", { cordoned: true })] });
    for (const request of [aRequest(), aRequest({ memoryBytes: 99n * GiB })]) {
      const answer = place(snapshot, request);
      expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
    }
  });

  it("prefers home over evenness", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1"), aHost("h2")],
      vms: [aVm("v1", { hostId: "h1", memoryBytes: 2n * GiB })],
    });
    expect(place(snapshot, aRequest({ homeHostId: "h1" }))).toMatchObject({ hostId: "h1" });
  });

  it("a VM's own claim is not in its way, and one on its own host is not charged twice", () => {
    const snapshot = aSnapshot({
      hosts: [aHost("h1")],
      vms: [aVm("vm-new", { hostId: "h1", memoryBytes: 10n * GiB })],
      claims: [aClaim("vm-new", "h1", { memoryBytes: 10n * GiB })],
    });
    expect(place(snapshot, aRequest({ memoryBytes: 16n * GiB }))).toMatchObject({ ok: true });
    const other = aRequest({ id: "other", memoryBytes: 6n * GiB });
    expect(place(snapshot, other)).toMatchObject({ ok: true });
  });

  it("a moving VM is charged on both hosts", () => {
    const planner = openPlanner(
      aSnapshot({
        hosts: [aHost("h1"), aHost("h2")],
        vms: [aVm("v1", { hostId: "h1", memoryBytes: 10n * GiB })],
      }),
    );
    const move = aRequest({ id: "v1", memoryBytes: 10n * GiB }, { fromHostId: "h1" });
    expect(planner.placeAndClaim(move)).toMatchObject({ ok: true, hostId: "h2" });
    const other = aRequest({ id: "other", memoryBytes: 7n * GiB });
    expect(planner.place(other)).toMatchObject({ ok: false });
    planner.release("v1", "h1");
    expect(planner.place(other)).toMatchObject({ ok: true, hostId: "h1" });
  });

  it("an anti-affinity name that nobody used before binds from its first claim", () => {
    const planner = openPlanner(aSnapshot({ hosts: [aHost("h1"), aHost("h2")] }));
    const hostIds = ["a", "b", "c"].map((id) => {
      const answer = planner.placeAndClaim(aRequest({ id, antiAffinity: ["db"] }));
      return answer.ok ? answer.hostId : null;
    });
    expect(hostIds).toEqual(["h1", "h2", null]);
  });

  it("refuses to book what breaks a rule", () => {
    const planner = openPlanner(aSnapshot({ hosts: [aHost("h1", { cordoned: true })] }));
    expect(() => planner.claim(aRequest(), "h1")).toThrow("host-is-not-cordoned");
  });

  it("a claim applied to a snapshot counts, once", () => {
    const snapshot = aSnapshot({ hosts: [aHost("h1")] });
    const claim = aClaim("v1", "h1", { memoryBytes: 10n * GiB });
    const claimed = applyClaim(snapshot, claim);
    expect(applyClaim(claimed, claim)).toBe(claimed);
    expect(place(claimed, aRequest({ memoryBytes: 7n * GiB }))).toMatchObject({ ok: false });
  });
});
