/** What the agent does by the clock on the wall. Every entry only pokes: a loop or a keeper does the work. */
import { schedule } from "node-cron";
import type { Log } from "@muster/runtime";
import type { Agent } from "../agent.ts";
import type { IdentityKeeper } from "./identity-keeper.ts";

interface Entry {
  readonly name: string;
  /** minute hour day month weekday */
  readonly expression: string;
  readonly poke: () => void;
}

export interface Schedules {
  stop(): Promise<void>;
}

export function startSchedules(parts: {
  readonly agent: Agent;
  readonly identity: IdentityKeeper;
  readonly log: Log;
}): Schedules {
  const { agent, identity, log } = parts;
  const renewIfDue = (): void => {
    identity.renewIfDue().catch((error: unknown) => {
      log.warn({ err: error }, "the certificate could not be renewed; trying again later");
    });
  };
  // A host that was off for long has an expired certificate: without a new one it gets no session.
  renewIfDue();
  const entries: readonly Entry[] = [
    {
      // Whatever was missed, whoever changed bridges or pools by hand: once an hour everything is looked at anew.
      name: "full-resync",
      expression: "17 * * * *",
      poke: () => {
        agent.refreshInventory();
        agent.keepNetworks();
        agent.reportSoon();
      },
    },
    {
      // Often enough for certificates that live an hour, seldom enough to cost nothing.
      name: "certificate-renewal",
      expression: "*/5 * * * *",
      poke: renewIfDue,
    },
    {
      name: "cache-clean",
      expression: "41 3 * * *",
      poke: () => {
        agent.cleanCaches();
      },
    },
  ];
  const tasks = entries.map(({ name, expression, poke }) => schedule(expression, poke, { name }));
  return {
    stop: async () => {
      for (const task of tasks) await task.destroy();
    },
  };
}
