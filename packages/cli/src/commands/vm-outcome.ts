import { MusterError } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { Session } from "../session.ts";
import { required } from "../view/required.ts";
import { decodeVm } from "../view/vm.ts";
import type { Outcome } from "./finish-operation.ts";

/** How a VM is after an operation on it: "web-1 is running on h2". */
export async function vmOutcome({ admin }: Session, name: string): Promise<Outcome> {
  try {
    const question = { doing: `show VM ${name}`, request: { vm: name } };
    const answer = await admin.call(AdminService.getVm, question);
    const vm = decodeVm(required(answer.vm, "vm"));
    const where = vm.host === "" ? "" : ` on ${vm.host}`;
    return { sentence: `VM ${vm.name} is ${vm.state}${where}`, data: { vm } };
  } catch (error) {
    // Somebody may have deleted it since; our operation succeeded all the same.
    if (!(error instanceof MusterError) || error.code !== "not-found") throw error;
    return { sentence: `VM ${name} is gone since`, data: {} };
  }
}
