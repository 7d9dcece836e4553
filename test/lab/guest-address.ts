/** The tiny guest's address rule (guest/init.sh), for those who want to reach it. */

/**
 * The IPv4 address that the tiny guest gives its first NIC when nobody told it one: 10.X.Y.Z in a /8,
 * X.Y.Z being the last three bytes of its MAC.
 * @throws Error when `mac` is not of the form 52:54:00:0a:00:05
 */
export function addressFromMac(mac: string): string {
  const bytes = mac
    .split(":")
    .map((byte) => (/^[0-9a-f]{2}$/i.test(byte) ? parseInt(byte, 16) : NaN));
  if (bytes.length !== 6 || bytes.some(Number.isNaN)) throw new Error(`not a MAC address: ${mac}`);
  return ["10", ...bytes.slice(3)].join(".");
}
