/** `muster vm ls -o json`: the coordinator's rows as they come, so that tens of thousands take no time. */
import { MusterError } from "@muster/model";
import { AdminService, type ExportVmsRequest } from "@muster/proto/admin";
import { StreamBroken, type Question } from "../connection/admin-connection.ts";
import type { Session } from "../session.ts";

/**
 * False when nothing was written and the list is better asked for the other way: the coordinator is of a version
 * that has no rows, or the connection broke before the first.
 */
export async function exportVms(
  { admin, output }: Session,
  question: Question<ExportVmsRequest>,
): Promise<boolean> {
  const stop = AbortSignal.timeout(admin.timeoutMs);
  let written = false;
  try {
    for await (const { rows } of admin.stream(AdminService.exportVms, question, stop)) {
      output.write(written ? ",\n" : "[\n");
      output.write(rows);
      written = true;
    }
    if (stop.aborted) throw tooSlow(question.doing);
    output.write(written ? "\n]\n" : "[]\n");
    return true;
  } catch (error) {
    const isOlder = error instanceof MusterError && error.code === "version-mismatch";
    if (!written && (isOlder || error instanceof StreamBroken)) return false;
    throw error instanceof StreamBroken ? lost(question.doing, error) : error;
  }
}

const tooSlow = (doing: string): MusterError =>
  new MusterError("timeout", `the coordinator took too long to ${doing}`, {
    hint: "try again with a longer --timeout",
  });

const lost = (doing: string, cause: Error): MusterError =>
  new MusterError(
    "unreachable",
    `the connection was lost in the middle of the answer to "${doing}"`,
    {
      cause,
      hint: "what was printed is not complete; try again",
    },
  );
