/** Six guests whose QEMU is stopped, each with a call stuck on it: what do other calls notice? */
import { readFileSync } from "node:fs";
import { connect, type Domain } from "../src/index.ts";
import type { PrivateLibvirtd } from "../test/private-libvirtd.ts";
import { quantile, type Row } from "./report.ts";

const guestXml = (n: number) =>
  `<domain type='qemu'><name>hung${n}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>`;

export async function benchHungGuests(daemon: PrivateLibvirtd): Promise<readonly Row[]> {
  await using hypervisor = await connect({ socketPath: daemon.socketPath });
  const domains: Domain[] = [];
  for (let n = 0; n < 6; n++) {
    const domain = await hypervisor.domainDefineXml(guestXml(n));
    await domain.create();
    domains.push(domain);
  }
  const free = await hypervisor.domainDefineXml(guestXml(6));
  const signal = (name: string) => {
    for (const { name: guest } of domains) {
      const pid = readFileSync(daemon.outside(`/run/libvirt/qemu/${guest}.pid`), "utf8").trim();
      daemon.exec("kill", `-${name}`, pid);
    }
  };
  /** How long calls take that concern no guest's QEMU. */
  const otherCalls = async () => {
    const delays: number[] = [];
    for (let i = 0; i < 200; i++) {
      const start = performance.now();
      if (i % 4 === 0) await hypervisor.nodeGetInfo();
      else if (i % 4 === 1) await free.getXmlDesc();
      else if (i % 4 === 2) await domains[i % 6]?.getState();
      else await hypervisor.listAllDomains();
      delays.push(performance.now() - start);
    }
    return delays;
  };
  const before = await otherCalls();
  signal("STOP");
  const stuck = domains.map((domain) =>
    domain.memoryStats({ timeoutMs: 20_000 }).catch(() => null),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  const delays = await otherCalls();
  signal("CONT");
  await Promise.all(stuck);
  for (const domain of domains) {
    await domain.destroy();
    await domain.undefine();
  }
  await free.undefine();
  const limit = { peer: "limit", theirs: 10, bar: 1, lessIsBetter: true } as const;
  const alone = { peer: "without them", theirs: quantile(before, 0.5), bar: null } as const;
  return [
    { what: "slowest other call with 6 hung guests, ms", ours: Math.max(...delays), ...limit },
    { what: "such a call, median ms", ours: quantile(delays, 0.5), ...alone, lessIsBetter: true },
    {
      what: "the slowest without hung guests, ms",
      ours: Math.max(...before),
      peer: "(no bar)",
      theirs: null,
      bar: null,
    },
  ];
}
