/** What every command works with: a connection, an output, and the flags that all commands share. */
import { MusterError, parseName, type ErrorCode } from "@muster/model";
import type { Why } from "@muster/proto/admin";
import type { AdminConnection, Question } from "./connection/admin-connection.ts";
import type { Output } from "./output.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Session {
  readonly admin: AdminConnection;
  readonly output: Output;
  readonly surroundings: Surroundings;
}

/** Flags of every command that changes something. */
export interface ChangeOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly requestId?: string;
}

/** The reason trail. Without --request-id a random one is sent, so that repeating a lost call is safe. */
export function whyOf(options: ChangeOptions, { surroundings }: Session): Why {
  return {
    reason: options.reason ?? "",
    dryRun: options.dryRun ?? false,
    requestId: options.requestId ?? surroundings.random.uuid(),
  };
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A name or an id, or `invalid` before the coordinator is bothered. */
export const parseNameOrId = (text: string, field: string): string =>
  ID.test(text) ? text.toLowerCase() : parseName(text, field);

/**
 * Calls a method that changes something. When the answer is lost, what became of the request is not known: the
 * error then says how to repeat it so that it takes effect once.
 */
export async function callChange<Request extends { readonly why: Why | undefined }, Response>(
  { admin }: Session,
  method: Parameters<typeof AdminConnection.prototype.call<Request, Response>>[0],
  question: Question<Request>,
): Promise<Response> {
  try {
    return await admin.call(method, question);
  } catch (error) {
    const isLost = error instanceof MusterError && lostAnswers.has(error.code);
    const requestId = question.request.why?.requestId ?? "";
    if (!isLost || !admin.wasConnected || requestId === "") throw error;
    throw new MusterError(
      error.code,
      `${error.message}: the answer to "${question.doing}" is lost`,
      {
        cause: error.cause,
        hint: `it may have been accepted; repeat the command with --request-id ${requestId} and it takes effect once`,
        reasons: error.reasons,
      },
    );
  }
}

const lostAnswers: ReadonlySet<ErrorCode> = new Set(["unreachable", "timeout"]);
