/** Conversations with a daemon as bytes: recorded from a real one, replayed to our client. */
import { Duplex } from "node:stream";
import type { Hypervisor } from "../src/index.ts";
import { PacketDecoder } from "../src/wire/packet-decoder.ts";

/** One packet of ours and what the daemon sent before our next one, in hex. */
export interface Turn {
  readonly sent: string;
  readonly received: readonly string[];
}

export interface Recording {
  readonly uri: string;
  readonly libvirt: string;
  readonly turns: readonly Turn[];
}

/** What was said to make each golden file. Strictly one call after the other, so that the bytes repeat. */
export const scripts: Readonly<Record<string, (hypervisor: Hypervisor) => Promise<unknown>>> = {
  async "test-domain"(hypervisor) {
    const events = await hypervisor.domainEvents(["lifecycle", "reboot"]);
    const info = await hypervisor.nodeGetInfo();
    const [domain] = await hypervisor.listAllDomains();
    if (!domain) throw new Error("the test driver has a domain");
    const state = await domain.getState();
    const xml = await domain.getXmlDesc();
    await domain.suspend();
    await domain.resume();
    const seen = [(await events.next()).value?.kind, (await events.next()).value?.kind];
    const stats = await hypervisor.getAllDomainStats({ stats: ["state"] });
    const missing = await hypervisor.domainLookupByName("nobody").catch((error: unknown) => error);
    const vcpus = await domain.getVcpus();
    const scheduler = await domain.getSchedulerParameters();
    await events.close();
    const shown = stats.map(({ domain: { name }, stats: values }) => [name, { ...values }]);
    return { info, state, xml, seen, stats: shown, missing: String(missing), vcpus, scheduler };
  },
  async "test-objects"(hypervisor) {
    const names = async (list: Promise<readonly { readonly name: string }[]>) =>
      (await list).map(({ name }) => name);
    const [network] = await hypervisor.listAllNetworks();
    const [pool] = await hypervisor.listAllStoragePools();
    const device = await hypervisor.nodeDeviceLookupByName("computer");
    return {
      networks: await names(hypervisor.listAllNetworks()),
      networkXml: await network?.getXmlDesc(),
      bridge: await network?.getBridgeName(),
      pool: await pool?.getInfo(),
      poolXml: await pool?.getXmlDesc(),
      interfaces: await names(hypervisor.listAllInterfaces()),
      caps: await device.listCaps(),
      version: await hypervisor.getLibVersion(),
      free: await hypervisor.nodeGetCellsFreeMemory(),
    };
  },
};

/** Passes everything on, and remembers it. */
export class Recorder {
  readonly #turns: { sent: string; received: string[] }[] = [];

  get turns(): readonly Turn[] {
    return this.#turns;
  }

  wrap(real: Duplex): Duplex {
    const outward = new PacketDecoder();
    const inward = new PacketDecoder();
    const client = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        outward.push(chunk, ({ frame }) =>
          this.#turns.push({ sent: frame.toString("hex"), received: [] }),
        );
        real.write(chunk, done);
      },
      destroy: (error, done) => {
        real.destroy();
        done(error);
      },
    });
    real.on("data", (chunk: Buffer) => {
      inward.push(chunk, ({ frame }) => this.#turns.at(-1)?.received.push(frame.toString("hex")));
      client.push(chunk);
    });
    real.on("close", () => client.destroy());
    return client;
  }
}

/** A daemon that knows one conversation. Throws if the client says anything else. */
export function replay(recording: Recording): Duplex {
  const decoder = new PacketDecoder();
  const left = [...recording.turns];
  const server: Duplex = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      decoder.push(chunk, ({ frame }) => {
        const turn = left.shift();
        if (turn?.sent !== frame.toString("hex")) {
          server.destroy(new Error(`the client said something new: ${frame.toString("hex")}`));
        } else {
          for (const hex of turn.received) server.push(Buffer.from(hex, "hex"));
        }
      });
      done();
    },
  });
  return server;
}
