/** What the agent does for guests that were told about themselves: the disk, and what they say in return. */
import type { AgentMessage, CoordinatorMessage } from "@muster/model";
import { GuestReports, type GuestReportsParts } from "./guest-reports.ts";
import { SeedRequests } from "./seed-requests.ts";

type GuestOrder = Extract<CoordinatorMessage, { kind: "seed" | "guest-report-recorded" }>;

export class Guests {
  readonly seeds: SeedRequests;
  readonly reports: GuestReports;

  constructor(parts: GuestReportsParts & { readonly send: (message: AgentMessage) => void }) {
    this.seeds = new SeedRequests(parts.send);
    this.reports = new GuestReports(parts);
  }

  received(order: GuestOrder): Promise<void> | void {
    if (order.kind === "seed") return this.seeds.received(order);
    return this.reports.recorded(order.vmId, order.number);
  }

  sessionOpened(): void {
    this.seeds.sessionOpened();
    this.reports.sessionOpened();
  }
}
