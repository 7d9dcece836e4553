/**
 * Words in a member's kernel command line that stand for what was decided for it, so that one template serves all
 * members of a cluster whose guests are booted from a kernel. Pure.
 */
import {
  invalid,
  parseAddress,
  parseSubnet,
  type MemberRole,
  type NetworkSpec,
  type NicSpec,
  type VmSpec,
} from "@muster/model";
import { subnetOf } from "../planning/address-book.ts";

export interface MemberFacts {
  readonly role: MemberRole;
  readonly inside: string;
  readonly nics: readonly NicSpec[];
  readonly networkOf: (name: string) => NetworkSpec | undefined;
}

const WORD = /\{(name|role|address|addresses|gateway)\}/g;
/** COMMAND_LINE_SIZE of Linux on x86. */
const LENGTH_MAX = 2047;

/** "{addresses}" becomes "10.1.1.1/16,203.0.113.50/24", in the order of the NICs. */
export function fillCommandLine(spec: VmSpec, facts: MemberFacts): VmSpec {
  if (spec.kernel === undefined) return spec;
  const commandLine = spec.kernel.commandLine.replaceAll(WORD, (_whole, word: string) =>
    valueOf(word, facts),
  );
  if (commandLine.length > LENGTH_MAX) {
    throw invalid(
      `${facts.role}.kernel.commandLine`,
      `${String(commandLine.length)} characters for ${facts.inside}, at most ${String(LENGTH_MAX)}`,
    );
  }
  return { ...spec, kernel: { ...spec.kernel, commandLine } };
}

function valueOf(word: string, facts: MemberFacts): string {
  switch (word) {
    case "name":
      return facts.inside;
    case "role":
      return facts.role;
    case "address":
      return facts.nics[0]?.addresses?.[0] ?? "";
    case "addresses":
      return withPrefixes(facts).join(",");
    default:
      return gatewayOf(facts);
  }
}

const subnetsOf = ({ nics, networkOf }: MemberFacts) =>
  nics.flatMap(({ network, addresses = [] }) => {
    const spec = networkOf(network);
    if (spec === undefined) return [];
    return addresses.flatMap((address) => {
      const subnet = subnetOf(spec, parseAddress(address, "address"));
      return subnet === undefined ? [] : [{ address, subnet }];
    });
  });

const withPrefixes = (facts: MemberFacts): readonly string[] =>
  subnetsOf(facts).map(({ address, subnet: { cidr } }) => {
    const { prefixLength } = parseSubnet(cidr, "subnet");
    return `${address}/${String(prefixLength)}`;
  });

/** Of the last NIC that has one which is not the member itself: the frontend's way out is the public network's. */
const gatewayOf = (facts: MemberFacts): string =>
  subnetsOf(facts)
    .flatMap(({ address, subnet: { gateway } }) =>
      gateway === undefined || gateway === address ? [] : [gateway],
    )
    .at(-1) ?? "";
