/** Asks one coordinator after another until one leads. */
import { detailOf, MusterError } from "@muster/model";
import { connect, type ConnectOptions, type RpcClient } from "@muster/runtime";

/**
 * `work` is done once, except that a standby's refusal sends it on. Throws what the leader refuses with, `not-leader`
 * when all that answered are standbys, `unreachable` when none did.
 */
export async function atLeader<Result>(
  options: ConnectOptions,
  work: (client: RpcClient) => Promise<Result>,
): Promise<Result> {
  const reasons: string[] = [];
  let standby: MusterError | undefined;
  for (const address of options.addresses) {
    const client = await connect({ ...options, addresses: [address] }).catch((error: unknown) =>
      unreached(error, reasons),
    );
    if (client === undefined) continue;
    using connected = client;
    try {
      return await work(connected);
    } catch (error) {
      if (!(error instanceof MusterError) || error.code !== "not-leader") throw error;
      standby = error;
    }
  }
  if (standby !== undefined) throw standby;
  throw new MusterError("unreachable", "the coordinator cannot be reached", { reasons });
}

function unreached(error: unknown, reasons: string[]): undefined {
  const { code, reasons: own } = detailOf(error);
  if (code !== "unreachable") throw error;
  reasons.push(...own);
}
