/** What is there in the end, and what should be: domains, owners, claims, addresses, volumes. */
import { isActiveState, type Cluster } from "../lab/cluster.ts";

export async function countLeaks(
  cluster: Cluster,
  names: ReadonlySet<string>,
): Promise<readonly string[]> {
  return [
    ...(await whileTheyAreThere(cluster, names)),
    ...(await onceAllAreRemoved(cluster, names)),
  ];
}

async function whileTheyAreThere(
  cluster: Cluster,
  names: ReadonlySet<string>,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const vms = await cluster.vms();
  const macs = vms.flatMap((vm) => vm.spec?.nics.map(({ mac }) => mac) ?? []);
  if (new Set(macs).size !== macs.length)
    problems.push(`an address is given twice: ${macs.join(" ")}`);
  const cpus = vms.reduce((sum, vm) => sum + (vm.spec?.cpus ?? 0), 0);
  const claimed = await cluster.claimedCpus();
  if (claimed !== cpus) {
    problems.push(`${String(claimed)} CPUs are claimed by VMs of ${String(cpus)}`);
  }
  for (const name of names) {
    const sightings = await cluster.sightings(name);
    const vm = vms.find((each) => each.name === name);
    if (vm === undefined && sightings.length > 0) {
      problems.push(`${name} is no VM, and ${sightings.join(", ")}`);
    }
    if (vm === undefined) continue;
    const wanted = isActiveState(vm.state) ? `${vm.host} running` : `${vm.host} shut off`;
    if (sightings.length !== 1 || sightings[0] !== wanted) {
      problems.push(`${name} should be "${wanted}", libvirt says "${sightings.join(", ")}"`);
    }
  }
  return problems;
}

async function onceAllAreRemoved(
  cluster: Cluster,
  names: ReadonlySet<string>,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const vm of await cluster.vms()) await cluster.succeeded(await cluster.removeVm(vm.name));
  const claimed = await cluster.claimedCpus();
  if (claimed !== 0) problems.push(`${String(claimed)} CPUs are still claimed`);
  for (const name of names) {
    const left = await cluster.sightings(name);
    if (left.length > 0) problems.push(`domain ${name} is left: ${left.join(", ")}`);
  }
  const [host] = cluster.lab.hosts;
  const volumes = (await host?.exec(["ls", "/srv/shared/volumes"]))?.stdout.trim() ?? "";
  if (volumes !== "") problems.push(`volumes are left: ${volumes}`);
  return problems;
}
