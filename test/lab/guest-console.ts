/** Where a VM's serial console is logged, by its libvirt XML. */

/**
 * The log file's path inside the host.
 * @throws Error when the XML asks for no log, or for one outside /var/log, which only the host has for itself
 */
export function consoleLog(domainXml: string, vm: string): string {
  const serial = /<(serial|console) [^>]*>.*?<log file=['"]([^'"]+)['"]/s.exec(domainXml);
  const file = serial?.[2];
  if (file === undefined) throw new Error(`VM ${vm} keeps no log of its serial console`);
  if (!file.startsWith("/var/log/"))
    throw new Error(`VM ${vm} logs its console to ${file}, not below /var/log`);
  return file;
}
