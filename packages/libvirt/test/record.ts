/**
 * Records the golden conversations anew from a private libvirtd: `node test/record.ts` as root.
 *
 * They hold nothing of the host they were made on: only what the test driver makes up.
 */
import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { connect } from "../src/index.ts";
import { Recorder, scripts, type Recording } from "./conversation.ts";
import { PrivateLibvirtd } from "./private-libvirtd.ts";

const uri = "test:///default";
for (const [name, script] of Object.entries(scripts)) {
  await using daemon = await PrivateLibvirtd.start();
  const recorder = new Recorder();
  const target = {
    uri,
    dial: () => Promise.resolve(recorder.wrap(createConnection(daemon.socketPath))),
  };
  const hypervisor = await connect(target, { keepalive: false, maxConnections: 1 });
  await script(hypervisor);
  const { major, minor, release } = await hypervisor.getLibVersion();
  await hypervisor.close();
  const turns = recorder.turns;
  const libvirt = `${major}.${minor}.${release}`;
  const recording: Recording = { uri, libvirt, turns };
  const text = JSON.stringify(recording, null, 1);
  if (Buffer.from(text.replaceAll(/[^0-9a-f]/g, ""), "hex").includes(hostname())) {
    throw new Error(`${name} holds the name of this host`);
  }
  writeFileSync(join(import.meta.dirname, "golden", `${name}.json`), `${text}\n`);
  console.log(`${name}: ${turns.length} turns`);
}
