/** Every operation, every step, every mishap (see `operation-harness.ts`). */
import type { OperationState } from "@muster/model";
import { describe, expect, it } from "vitest";
import { mishaps, operationTypes, play, type Mishap } from "./operation-harness.ts";
import { imageRequests } from "./image-requests.ts";
import { requests as otherRequests } from "./operation-requests.ts";

const requests = [...otherRequests, ...imageRequests];

describe("every operation type", () => {
  it("is in the harness", () => {
    const inHarness = new Set(requests.map(({ type }) => type));
    expect([...inHarness].toSorted()).toStrictEqual(operationTypes.toSorted());
  });
});

/** Past the point of no return there is only forward. */
const isForwardOnly = (step: string): boolean =>
  ["settle", "clean", "delete-frontends", "remove-network"].includes(step);

function expectedEnds(step: string, mishap: Mishap): readonly OperationState[] {
  switch (mishap) {
    case "fails":
    case "fails, and its undo too":
    case "dies in its undo":
      // Taking a network away is what the hosts do in the end, whether its making had failed or not.
      if (step === "leave-hosts") return ["succeeded", "failed"];
      // Each move is an operation of its own, and a failed one is tried again.
      if (step === "move-vms" || step === "follow") return ["succeeded", "failed"];
      // Comparing the promise with what is asks nothing of any host.
      if (step === "verify") return ["succeeded"];
      // What fails are calls of hypervisors; these two make none.
      if (step === "fence" || step === "tell-host") return ["succeeded"];
      // The VMs' own operations fail, and are tried again.
      if (step === "restart") return ["succeeded"];
      // A simulated host makes networks; uplinks and interfaces it takes as they come.
      if (step === "roll-out") return ["succeeded", "failed"];
      return isForwardOnly(step) ? ["succeeded"] : ["failed"];
    case "runs twice":
    case "is lost after its effect":
    case "loses its agents":
      // A host that is switched on again in the middle was never proven off.
      if (step === "fence") return ["succeeded", "failed"];
      return ["succeeded"];
    case "is cancelled at it":
      return isForwardOnly(step) ? ["succeeded"] : ["succeeded", "cancelled"];
  }
}

describe.each(requests)("$type", (request) => {
  describe.each(request.steps)("when %s", (step) => {
    it.each(mishaps)("%s, nothing is left over", async (mishap) => {
      const { operation, broken } = await play(request, step, mishap);
      expect(operation.steps.map(({ name }) => name)).toStrictEqual(request.steps);
      const story = `${operation.state}: ${operation.error?.message ?? "no error"}`;
      expect([story, ...broken]).toStrictEqual([story]);
      expect(expectedEnds(step, mishap)).toContain(operation.state);
    });
  });
});
