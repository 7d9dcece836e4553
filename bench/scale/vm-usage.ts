/**
 * What a host's VMs use, as rows of counters that grow: of ten VMs four are idle, five do the work of a web server or a
 * build, one is a busy database. Rates are a second's; each VM's differ by a little.
 */
import type { VmUsage } from "@muster/model";

interface Rates {
  readonly cpuMs: number;
  readonly readKb: number;
  readonly writeKb: number;
  readonly receiveKb: number;
  readonly sendKb: number;
  readonly requests: number;
}

const idle: Rates = { cpuMs: 4, readKb: 0, writeKb: 1, receiveKb: 0.2, sendKb: 0.1, requests: 0.2 };
const working: Rates = {
  cpuMs: 150,
  readKb: 40,
  writeKb: 120,
  receiveKb: 90,
  sendKb: 300,
  requests: 25,
};
const busy: Rates = {
  cpuMs: 1_600,
  readKb: 9_000,
  writeKb: 6_000,
  receiveKb: 2_500,
  sendKb: 4_000,
  requests: 900,
};

const ratesOf = (index: number): Rates => (index % 10 < 4 ? idle : index % 10 < 9 ? working : busy);

const whole = (value: number): bigint => BigInt(Math.floor(value));

export function usageAt(index: number, seconds: number): VmUsage {
  const rates = ratesOf(index);
  const share = seconds * (0.75 + (index % 7) * 0.08);
  return {
    cpuTimeNs: whole(share * rates.cpuMs * 1e6),
    // It breathes: a page cache's worth more or less.
    residentBytes: whole(2 ** 20 + (Math.floor(share / 20) % 5) * 64) * 1_024n,
    diskReadBytes: whole(share * rates.readKb) * 1_024n,
    diskWriteBytes: whole(share * rates.writeKb) * 1_024n,
    diskReadRequests: whole(share * rates.requests * 0.4),
    diskWriteRequests: whole(share * rates.requests),
    networkReceiveBytes: whole(share * rates.receiveKb * 1_000),
    networkTransmitBytes: whole(share * rates.sendKb * 1_000),
  };
}
