/** Echo requests of a given size by the system's ping, and what they tell. Pure. */

/** IPv6 and ICMPv6 headers. */
const HEADER_BYTES = 48;

export interface Ping {
  readonly address: string;
  readonly device: string;
  /** Of the packet: what is measured against an MTU. */
  readonly packetBytes: number;
  readonly count: number;
}

/** 100 ms apart: a lost first one, while neighbours find each other, is not the whole of it. */
const INTERVAL_SECONDS = "0.1";

/** Hosts of one network answer within milliseconds; a whole second means lost. */
const WAIT_SECONDS = "1";

/** -M do: neither this host nor another may cut the packet up. */
export const renderPing = ({ address, device, packetBytes, count }: Ping): readonly string[] => [
  ...["ping", "-6", "-n", "-c", String(count), "-i", INTERVAL_SECONDS, "-W", WAIT_SECONDS],
  ...["-M", "do", "-s", String(packetBytes - HEADER_BYTES), `${address}%${device}`],
];

export interface PingAnswer {
  readonly received: number;
  /** Microseconds, the middle one; 0: nothing came back. */
  readonly roundTripUs: number;
}

export function parsePing(text: string): PingAnswer {
  // A packet that came back twice is one that came back.
  const times = new Map<string, number>();
  for (const [, sequence = "", ms = ""] of text.matchAll(/icmp_seq=(\d+) .*time=([\d.]+) ms/g)) {
    if (!times.has(sequence)) times.set(sequence, Number(ms) * 1000);
  }
  const sorted = [...times.values()].toSorted((left, right) => left - right);
  return {
    received: sorted.length,
    roundTripUs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
  };
}
