/** The private file tree of a host, made at its first boot and kept over crashes. */
import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { hostsFile, hostUuid } from "./addresses.ts";
import { installCertificates } from "./certificates.ts";
import { run } from "./command.ts";
import type { LabPaths } from "./lab-paths.ts";

const libvirtdConf = (host: string): string => `# of the lab's host ${host}
host_uuid = "${hostUuid(host)}"
listen_tcp = 1                      # reachable only from the lab's own management network
listen_tls = 1
listen_addr = "0.0.0.0"
auth_tcp = "none"
auth_tls = "none"                   # a client certificate is still required
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"         # the lab's directory is closed to other users too
keepalive_interval = 5
keepalive_count = 3
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
`;

const qemuConf = (host: string): string => `# of the lab's host ${host}
user = "root"
group = "root"
dynamic_ownership = 0               # never chown images: hosts share them
remember_owner = 0                  # no extended attributes on shared files
security_driver = "none"
security_default_confined = 0
namespaces = [ ]                    # a private /dev per VM cannot move the mount over /dev/kvm
stdio_handler = "file"              # no virtlogd in a host
migration_address = "0.0.0.0"
migration_host = "${host}"          # resolved by the source host
keepalive_interval = 5
keepalive_count = 3
vnc_listen = "0.0.0.0"
default_tls_x509_cert_dir = "/etc/pki/qemu"
default_tls_x509_verify = 1
`;

async function makeEtc(host: string, etc: string, certificates: string): Promise<void> {
  await run(["cp", "-a", "/etc/.", etc]);
  await Promise.all([
    writeFile(join(etc, "hostname"), `${host}\n`),
    writeFile(join(etc, "hosts"), hostsFile()),
    rm(join(etc, "machine-id"), { force: true }),
    rm(join(etc, "libvirt/qemu/networks/autostart"), { recursive: true, force: true }),
    rm(join(etc, "openvswitch"), { recursive: true, force: true }),
    writeFile(join(etc, "libvirt/libvirtd.conf"), libvirtdConf(host)),
    writeFile(join(etc, "libvirt/qemu.conf"), qemuConf(host)),
  ]);
  await writeFile(join(etc, "machine-id"), `${hostUuid(host).replaceAll("-", "")}\n`);
  await installCertificates(certificates, host, etc);
}

/**
 * Makes the host's files, unless they are complete already (a half-made tree is made again).
 * `capabilities` is a directory with what libvirt found out about QEMU earlier: probing costs seconds.
 */
export async function makeHostFiles(
  paths: LabPaths,
  host: string,
  capabilities: string,
): Promise<void> {
  const home = paths.machine(host);
  const complete = join(home, "complete");
  if (existsSync(complete)) return;
  await rm(home, { recursive: true, force: true });
  const parts = ["etc", "run", "var/lib/libvirt", "var/lib/openvswitch", "var/log/libvirt/qemu"];
  for (const part of [...parts, "var/cache/libvirt", "srv/shared", "srv/local"]) {
    await mkdir(join(home, part), { recursive: true });
  }
  await Promise.all([
    makeEtc(host, join(home, "etc"), paths.certificates),
    run(["cp", "-a", "/var/lib/libvirt/.", join(home, "var/lib/libvirt")]),
    existsSync(capabilities)
      ? cp(capabilities, join(home, "var/cache/libvirt"), {
          recursive: true,
          preserveTimestamps: true,
        })
      : undefined,
  ]);
  await writeFile(complete, "");
}

/** Empties /run, as a boot does. */
export async function clearRun(paths: LabPaths, host: string): Promise<void> {
  const directory = join(paths.machine(host), "run");
  const entries = await readdir(directory);
  await Promise.all(
    entries.map((entry) => rm(join(directory, entry), { recursive: true, force: true })),
  );
}
