/** Goal: the order is the one that sorting would give. Method: random changes, sorted again each time. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { RoomOrder } from "./room-order.ts";

it("hosts stay in the order of their free memory, whatever changes", () => {
  const free = fc.integer({ min: 0, max: 6 });
  fc.assert(
    fc.property(
      fc.array(free, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.nat({ max: 11 }), free, fc.boolean()), { maxLength: 30 }),
      (start, changes) => {
        const freeMiB = Float64Array.from(start);
        const order = new RoomOrder(freeMiB);
        const sorted = () =>
          [...freeMiB.keys()].sort((a, b) => (freeMiB[b] ?? 0) - (freeMiB[a] ?? 0) || a - b);
        for (const [at, value, isLooked] of changes) {
          const host = at % freeMiB.length;
          freeMiB[host] = value;
          order.noteChange(host);
          // Several changes may come before the next look.
          if (isLooked) expect([...order.hosts()]).toEqual(sorted());
        }
        expect([...order.hosts()]).toEqual(sorted());
      },
    ),
  );
});
