/** Goal: a manifest is read as the API takes it, and what is wrong is said with file, document, field and the fix. */
import { NetworkKind } from "@muster/proto/types";
import { describe, expect, it } from "vitest";
import { parseManifests } from "./manifest.ts";

const read = (...lines: readonly string[]) => parseManifests(lines.join("\n"), "net.yaml");

describe("a manifest", () => {
  it("has several documents of several kinds", () => {
    const manifests = read(
      "kind: uplink",
      "label: lan",
      'nics: [eth2, "mac=52:54:00:00:00:01", "driver=mlx5*"]',
      "bond: { name: bond1, mode: 802.3ad, lacpFast: true, hash: layer3+4 }",
      "mtu: 9000",
      "---",
      "kind: network",
      "name: dmz",
      "vlan: 30",
      "uplink: lan",
      "pool: edge",
      "required: true",
      "guards: mac+arp",
      "macs: prefix=52:54:00",
      "subnets:",
      "  - cidr: 10.3.0.0/24",
      "    gateway: 10.3.0.1",
      "    dns: [10.3.0.2]",
      "    ranges: [10.3.0.50-10.3.0.99]",
      "    dhcp: true",
      "---",
      "# nothing",
      "---",
      "kind: address",
      "network: dmz",
      "name: web-1",
      "address: 10.3.0.50",
    );
    expect(manifests.map(({ where }) => where)).toEqual([
      "net.yaml, document 1",
      "net.yaml, document 2",
      "net.yaml, document 4",
    ]);
    expect(manifests.map(({ wanted }) => wanted)).toMatchObject([
      {
        kind: "uplink",
        spec: {
          label: "lan",
          members: [
            { by: { $case: "name", value: "eth2" } },
            { by: { $case: "mac", value: "52:54:00:00:00:01" } },
            { by: { $case: "driver", value: "mlx5*" } },
          ],
          bond: { name: "bond1", mode: "802.3ad", lacpFast: true, transmitHash: "layer3+4" },
          mtu: 9_000,
        },
      },
      {
        kind: "network",
        spec: {
          name: "dmz",
          kind: NetworkKind.VLAN,
          vlan: 30,
          mtu: 1_500,
          hostPool: "edge",
          required: true,
          guards: { mac: true, arp: true, ipv4: false, ipv6: false },
          macs: { kind: { $case: "prefix", value: "52:54:00" } },
          subnets: [{ cidr: "10.3.0.0/24", dhcp: true, dns: ["10.3.0.2"] }],
        },
      },
      { kind: "address", spec: { network: "dmz", name: "web-1", address: "10.3.0.50" } },
    ]);
  });

  it.each([
    ["untagged: true", { kind: NetworkKind.UNTAGGED }],
    ['trunk: "10,20-29"', { kind: NetworkKind.TRUNK, trunk: [{ first: 10 }, { last: 29 }] }],
    ["vxlan: 5001", { kind: NetworkKind.VXLAN, vni: 5_001 }],
  ])("knows every kind of network: %s", (line, spec) => {
    expect(read("kind: network", "name: n", line)).toMatchObject([{ wanted: { spec } }]);
  });

  it.each([
    ["kind: netwrok", "", 'kind: "netwrok" is no kind', 'did you mean "network"?'],
    ["name: n", "", "kind: is required", "kinds: network, uplink, address"],
    ["kind: network", "name: n", "give exactly one of vlan, untagged, trunk and vni", "vlan: 10"],
    ["kind: network", "name: n\nvlna: 10", "vlna: unknown field", 'did you mean "vlan"?'],
    ["kind: network", "name: n\nvlan: 4095", "vlan", ""],
    ["kind: network", "name: n\nvlan: 1\nmtu: 100", "mtu: 100", ""],
    [
      "kind: network",
      "name: n\nvlan: 1\nsubnets: [{ cidr: 10.0.0.0/24, gatway: 10.0.0.1 }]",
      "subnets[0].gatway: unknown field",
      'did you mean "gateway"?',
    ],
    ["kind: uplink", "label: lan", "members: is required", ""],
    ["kind: address", "network: blue\nname: a\naddress: 10.0.0", "address", ""],
    ["[1]", "", "must be an object", "kind: network"],
    ["kind: [", "", "is neither YAML nor JSON", ""],
  ])("says what is wrong with %s %s", (first, rest, message, hint) => {
    const wrong = { code: "invalid" };
    const said = { message: expect.stringContaining(`net.yaml, document 2`) as string };
    const reading = () => read("kind: network\nname: good\nvlan: 7\n---", first, rest);
    expect(reading).toThrow(expect.objectContaining({ ...wrong, ...said }) as Error);
    expect(reading).toThrow(message);
    if (hint === "") return;
    const hinted = { hint: expect.stringContaining(hint) as string };
    expect(reading).toThrow(expect.objectContaining(hinted) as Error);
  });
});
