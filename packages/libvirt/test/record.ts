/**
 * Records the golden conversations anew from a private libvirtd: `node test/record.ts [name…]` as root.
 *
 * They hold nothing of the host they were made on: only what the test driver makes up, or what we define.
 */
import { realpathSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../src/index.ts";
import { Recorder, type Recording } from "./conversation.ts";
import { scripts } from "./golden-scripts.ts";
import { PrivateLibvirtd } from "./private-libvirtd.ts";

const chosen = process.argv.slice(2);
for (const [name, { uri, say }] of Object.entries(scripts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  await using daemon = await PrivateLibvirtd.start();
  const recorder = new Recorder();
  const target = {
    uri,
    dial: () => Promise.resolve(recorder.wrap(createConnection(daemon.socketPath))),
  };
  const hypervisor = await connect(target, { keepalive: false, maxConnections: 1 });
  console.log(name, await say(hypervisor));
  const { major, minor, release } = await hypervisor.getLibVersion();
  await hypervisor.close();
  const { connections } = recorder;
  const libvirt = `${major}.${minor}.${release}`;
  const recording: Recording = { uri, libvirt, connections };
  const text = JSON.stringify(recording, null, 1);
  const frames = connections.flat().flatMap(({ sent, received }) => [sent, ...received]);
  const held = frames.map((hex) => Buffer.from(hex, "hex").toString("latin1"));
  const scrubbed = [hostname(), realpathSync(tmpdir())].filter((secret) => secret.length > 3);
  for (const secret of scrubbed) {
    if (held.some((frame) => frame.includes(secret))) throw new Error(`${name} holds ${secret}`);
  }
  writeFileSync(join(import.meta.dirname, "golden", `${name}.json`), `${text}\n`);
  console.log(`${name}: ${connections.flat().length} turns on ${connections.length} connections`);
}
