/** What a coordinator that does not lead says to those who want something changed. PURE. */
import { MusterError } from "@muster/model";
import type { Leader, Member } from "../store/election.ts";

export function standbyRefusal(
  self: Member,
  role: "standby" | "leader" | "over",
  leader: Leader | undefined,
): MusterError {
  const what = role === "standby" ? "is a standby" : "no longer leads";
  return new MusterError("not-leader", `the coordinator ${self.name} ${what}`, {
    hint: whereNow(self, leader),
    leaderAddresses: leader?.member.name === self.name ? [] : (leader?.member.addresses ?? []),
  });
}

function whereNow(self: Member, leader: Leader | undefined): string {
  if (leader === undefined || leader.member.name === self.name) {
    return "nobody leads now; another coordinator will within seconds: ask again";
  }
  const { name, addresses } = leader.member;
  const where = addresses.length === 0 ? "" : ` at ${addresses.join(" or ")}`;
  return `ask the leader, ${name}${where}`;
}
