/** Prints what runs, then every change: `node examples/watch-domains.ts [URI]`. Survives restarts of the daemon. */
import { reconnecting, type Hypervisor } from "node-libvirt";

async function list(hypervisor: Hypervisor): Promise<void> {
  for (const domain of await hypervisor.listAllDomains()) {
    const { state, reason } = await domain.getState();
    console.log(`${domain.uuid} ${domain.name}: ${state} (${reason})`);
  }
}

const uri = process.argv[2] ?? "qemu:///system";
await using link = reconnecting(uri, { domainEvents: ["lifecycle"] });
for await (const item of link.events()) {
  if (item.kind === "gap") await list(item.hypervisor);
  else if (item.kind === "lost") console.warn(`lost: ${item.reason.message}`);
  else if (item.kind === "lifecycle")
    console.log(`${item.domain.name}: ${item.event} (${item.detail})`);
}
