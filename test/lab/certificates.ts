/** The lab's own certificate authority, and a certificate per machine, laid out as libvirt and QEMU expect. */
import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { addressOf } from "./addresses.ts";
import { run } from "./command.ts";

const VALID_DAYS = "3650";
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

async function makeAuthority(directory: string): Promise<void> {
  if (existsSync(join(directory, "ca.pem"))) return;
  // Under another name until complete: `up` may be killed at any moment.
  await run([
    ...["openssl", "req", "-x509", ...newKey, "-days", VALID_DAYS, "-subj", "/CN=muster-lab"],
    ...["-keyout", join(directory, "ca.key"), "-out", join(directory, "ca.pem.new")],
    ...["-addext", "basicConstraints=critical,CA:TRUE"],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  ]);
  await rename(join(directory, "ca.pem.new"), join(directory, "ca.pem"));
}

/** keyEncipherment: libvirt refuses a certificate without it, even one with an elliptic key. */
const extensions = (machine: string): string =>
  [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature,keyEncipherment",
    "extendedKeyUsage=serverAuth,clientAuth",
    `subjectAltName=DNS:${machine},DNS:${machine}.lab,IP:${addressOf(machine)}`,
    "",
  ].join("\n");

async function makeCertificate(directory: string, machine: string): Promise<void> {
  const path = (suffix: string): string => join(directory, `${machine}.${suffix}`);
  if (existsSync(path("pem"))) return;
  await run([
    ...[
      "openssl",
      "req",
      ...newKey,
      "-subj",
      `/CN=${machine}`,
      "-keyout",
      path("key"),
      "-out",
      path("csr"),
    ],
  ]);
  await writeFile(path("ext"), extensions(machine));
  await run([
    ...[
      "openssl",
      "x509",
      "-req",
      "-in",
      path("csr"),
      "-days",
      VALID_DAYS,
      "-extfile",
      path("ext"),
    ],
    ...["-CA", join(directory, "ca.pem"), "-CAkey", join(directory, "ca.key")],
    ...[
      "-set_serial",
      `0x${crypto.randomUUID().replaceAll("-", "").slice(0, 30)}`,
      "-out",
      path("pem.new"),
    ],
  ]);
  await rename(path("pem.new"), path("pem"));
}

/** Makes what is missing of the authority and of the machines' certificates. */
export async function makeCertificates(
  directory: string,
  machines: readonly string[],
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await makeAuthority(directory);
  await Promise.all(machines.map((machine) => makeCertificate(directory, machine)));
}

/** Puts a machine's certificates into its /etc/pki, for libvirtd, for libvirt's clients and for QEMU. */
export async function installCertificates(
  directory: string,
  machine: string,
  etc: string,
): Promise<void> {
  const pki = join(etc, "pki");
  for (const part of ["CA", "libvirt/private", "qemu"])
    await mkdir(join(pki, part), { recursive: true });
  const certificate = join(directory, `${machine}.pem`);
  const key = join(directory, `${machine}.key`);
  const copies: [from: string, to: string][] = [
    [join(directory, "ca.pem"), "CA/cacert.pem"],
    [join(directory, "ca.pem"), "qemu/ca-cert.pem"],
  ];
  for (const role of ["server", "client"]) {
    copies.push([certificate, `libvirt/${role}cert.pem`], [key, `libvirt/private/${role}key.pem`]);
    copies.push([certificate, `qemu/${role}-cert.pem`], [key, `qemu/${role}-key.pem`]);
  }
  await Promise.all(copies.map(([from, to]) => copyFile(from, join(pki, to))));
}
