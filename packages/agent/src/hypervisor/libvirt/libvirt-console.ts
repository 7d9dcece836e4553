/** The serial console of a running VM, over a connection of its own. */
import { MusterError, type VmId } from "@muster/model";
import { isLibvirtError, type ByteStream } from "node-libvirt";
import type { ConsoleStream, VmConsole } from "../hypervisor.ts";
import { requireDomain, requireOurs, type ClusterIdSource } from "./domain-handle.ts";
import { attempt } from "./libvirt-error.ts";
import type { LibvirtLink } from "./libvirt-link.ts";

export class LibvirtConsole implements VmConsole {
  readonly #link: LibvirtLink;
  readonly #clusterId: ClusterIdSource;

  constructor(parts: { readonly link: LibvirtLink; readonly clusterId: ClusterIdSource }) {
    this.#link = parts.link;
    this.#clusterId = parts.clusterId;
  }

  async open(vmId: VmId, { force }: { readonly force: boolean }): Promise<ConsoleStream> {
    return attempt(`open the console of vm ${vmId}`, async () => {
      const domain = await requireDomain(await this.#link.connection(), vmId);
      await requireOurs(domain, this.#clusterId);
      if (!(await domain.isActive())) {
        const message = `cannot open the console of vm ${vmId}: it is not running`;
        throw new MusterError("wrong-state", message);
      }
      try {
        return consoleStream(await domain.openConsole(force ? { flags: ["force"] } : {}));
      } catch (cause) {
        // What libvirt says to a second reader.
        if (force || !isLibvirtError(cause, "operationFailed")) throw cause;
        const hint = "force takes it over";
        throw new MusterError("busy", `the console of vm ${vmId} is in use`, { cause, hint });
      }
    });
  }
}

export function consoleStream(stream: ByteStream): ConsoleStream {
  return {
    output: stream,
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    async close() {
      if (stream.destroyed) return;
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      stream.destroy();
      await closed;
    },
  };
}
