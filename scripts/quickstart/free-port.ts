/** A TCP port of 127.0.0.1 that nobody listens on: the usual one if it is free. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** @param preferred 0: any */
export async function freePort(preferred: number): Promise<number> {
  return (await tryPort(preferred)) ?? (await tryPort(0)) ?? preferred;
}

/** Undefined when somebody else has it. */
async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const { port: found } = server.address() as AddressInfo;
    return found;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return undefined;
    throw error;
  } finally {
    server.close();
  }
}
