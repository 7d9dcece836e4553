/**
 * Keeps a second coordinator out of a data directory. The lock is sqlite's own, on a file beside the store: it ends with
 * the process, however that ends.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MusterError } from "@muster/model";

/** Throws `wrong-state` when another process holds it. */
export function lockDirectory(dataDirectory: string): Disposable {
  const database = new DatabaseSync(join(dataDirectory, "lock.sqlite"));
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new MusterError("wrong-state", `another coordinator works in ${dataDirectory}`, {
      cause,
      hint: "stop it first, or give this one a data directory of its own",
    });
  }
  return {
    [Symbol.dispose]: () => {
      database.close();
    },
  };
}
