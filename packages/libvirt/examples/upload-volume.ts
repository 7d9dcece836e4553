/** Makes a volume of a local file: `node examples/upload-volume.ts FILE POOL [URI]`. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { connect } from "node-libvirt";

const [file = "", poolName = "default", uri = "qemu:///system"] = process.argv.slice(2);
await using hypervisor = await connect(uri);
const pool = await hypervisor.storagePoolLookupByName(poolName);
const { size } = await stat(file);
const xml = `<volume><name>${basename(file)}</name><capacity unit='bytes'>${size}</capacity></volume>`;
const volume = await pool.storageVolCreateXml(xml);
await pipeline(createReadStream(file), await volume.upload({ length: BigInt(size) }));
console.log(`${await volume.getPath()}: ${size} bytes`);
