import { seededRandom, SimulatedClock } from "@muster/runtime";
import { sampleClusterId, sampleDefinition } from "../testing/definition-samples.ts";
import type { ContractSetting } from "../testing/contract-setting.ts";
import { describeHypervisorContract } from "../hypervisor-contract.ts";
import { SimulatedHypervisor } from "./simulated-hypervisor.ts";
import { SimulatedWorld } from "./simulated-world.ts";

/** Longer than anything a single call may take. */
const PASS_MAX_MS = 10 * 60_000;

async function openSimulated(): Promise<ContractSetting> {
  const clock = new SimulatedClock();
  const world = new SimulatedWorld({ clock, random: seededRandom(1) });
  world.addHost({ name: "h1" });
  const hypervisor = new SimulatedHypervisor({
    world,
    host: "h1",
    clusterId: () => sampleClusterId,
  });
  return {
    hypervisor,
    async pass(promise) {
      let ended = false;
      const end = (): void => {
        ended = true;
      };
      promise.then(end, end);
      await clock.runUntil(() => ended, PASS_MAX_MS);
      return promise;
    },
    async until(predicate) {
      for (let passedMs = 0; passedMs < PASS_MAX_MS; passedMs += 100) {
        if (await predicate()) return;
        await clock.runFor(100);
      }
      throw new Error("it did not become true");
    },
    makeWild: async (name) => world.defineWild("h1", { name }),
    definition: sampleDefinition,
    async [Symbol.asyncDispose]() {
      await hypervisor[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

describeHypervisorContract(
  "simulated",
  { guests: true, storage: "shared", migration: true },
  openSimulated,
);
