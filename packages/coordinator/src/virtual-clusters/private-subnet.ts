/** The addresses within a virtual cluster: the same in each, because each has a VLAN of its own. Pure. */
import {
  firstHost,
  lastHost,
  MusterError,
  parseAddress,
  parseSubnet,
  renderAddress,
  type SubnetSpec,
} from "@muster/model";

const FIELD = "private_subnet";
/** From here on a subnet has room for the address that frontends have always had: 10.1.1.1 in 10.1.0.0/16. */
const WIDE_PREFIX_LENGTH_MAX = 16;

/** 10.1.1.1 of 10.1.0.0/16; the first one of smaller subnets. */
export function frontendAddress(cidr: string): string {
  const subnet = parseSubnet(cidr, FIELD);
  const isWide = subnet.prefixLength <= WIDE_PREFIX_LENGTH_MAX;
  const value = isWide ? subnet.first + 0x1_01n : firstHost(subnet);
  return renderAddress({ family: subnet.family, value });
}

/** Counts down from below the broadcast address: 10.1.255.254, 10.1.255.253. */
export function computeAddress(cidr: string, index: number): string {
  const subnet = parseSubnet(cidr, FIELD);
  const value = lastHost(subnet) - BigInt(index);
  const { value: frontend } = parseAddress(frontendAddress(cidr), FIELD);
  if (value > frontend) return renderAddress({ family: subnet.family, value });
  throw new MusterError(
    "limit-exceeded",
    `${cidr} has no address for compute-${String(index)} of a virtual cluster`,
    { hint: "give clusters a larger private subnet: muster cluster settings set --subnet" },
  );
}

export const privateSubnetSpec = (cidr: string, domain: string): SubnetSpec => ({
  cidr,
  mode: "static",
  // Of the cluster's own machines only the frontend reaches the outside.
  gateway: frontendAddress(cidr),
  dns: [],
  ranges: [],
  exclusions: [],
  ...(domain === "" ? {} : { domain }),
  nat: false,
});
