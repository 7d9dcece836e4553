/** Moves a running domain and shows the progress: `node examples/migrate.ts DOMAIN DESTINATION-URI [URI]`. */
import { connect, isLibvirtError } from "node-libvirt";

const [name = "", destination = "", uri = "qemu:///system"] = process.argv.slice(2);
await using hypervisor = await connect(uri);
const domain = await hypervisor.domainLookupByName(name);
const flags = ["live", "persistDest", "undefineSource", "autoConverge", "abortOnError"] as const;
const moving = domain.migrateToUri(destination, { flags }).then(
  () => "moved",
  (error: unknown) => {
    if (isLibvirtError(error)) return `${error.code}: ${error.message}`;
    throw error;
  },
);
const isOver = moving.then(() => true);
const tick = () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 1000));
while (!(await Promise.race([isOver, tick()]))) {
  const { dataRemaining, dataTotal } = await domain.getJobInfo();
  console.log(`${dataRemaining} of ${dataTotal} bytes left`);
}
console.log(await moving);
