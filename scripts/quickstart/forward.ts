/**
 * forward.ts LISTEN TARGET FILE: hands every connection made to LISTEN on to TARGET, until it is told to end or FILE
 * is gone. Both are "unix:PATH" or "tcp:HOST:PORT". Two of these, joined by a unix socket, lead from one network
 * namespace into another: files are seen in both.
 */
import { existsSync } from "node:fs";
import { connect, createServer, type NetConnectOpts } from "node:net";
import { pipeline } from "node:stream/promises";

/** How soon it notices that FILE is gone. */
const LOOK_EVERY_MS = 1_000;

function endOf(text: string): NetConnectOpts {
  const match = /^(?:unix:(.+)|tcp:(.+):(\d+))$/.exec(text);
  const [, path, host, port] = match ?? [];
  if (path !== undefined) return { path };
  if (host === undefined || port === undefined)
    throw new Error(`${text} is no place to connect to`);
  return { host, port: Number(port) };
}

const [listen, target, file] = process.argv.slice(2);
if (listen === undefined || target === undefined || file === undefined) {
  throw new Error("forward.ts LISTEN TARGET FILE");
}
const server = createServer({ allowHalfOpen: true }, (incoming) => {
  const outgoing = connect({ ...endOf(target), allowHalfOpen: true });
  Promise.all([pipeline(incoming, outgoing), pipeline(outgoing, incoming)]).catch(
    (error: unknown) => {
      // Either end went away; the connection is over for both.
      console.error(error instanceof Error ? error.message : error);
      incoming.destroy();
      outgoing.destroy();
    },
  );
});
server.listen(endOf(listen));
process.once("SIGTERM", () => process.exit(0));
setInterval(() => {
  if (!existsSync(file)) process.exit(0);
}, LOOK_EVERY_MS);
