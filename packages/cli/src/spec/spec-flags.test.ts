import { encodeNic } from "@muster/model/wire";
import { describe, expect, it } from "vitest";
import { completeSpec } from "./partial-spec.ts";
import { parseNetworkFlag } from "./nic.ts";
import { parseDiskFlag, specOfFlags } from "./spec-flags.ts";

describe("parseDiskFlag", () => {
  it("reads storage, size and base", () => {
    expect(parseDiskFlag("storage=shared,size=1G,base=debian-13.qcow2")).toEqual({
      storage: "shared",
      sizeBytes: 1n << 30n,
      baseVolume: "debian-13.qcow2",
    });
  });
  it.each([
    ["", /lacks storage or size/],
    ["storage=a", /lacks storage or size/],
    ["storage=a,size=1G,size=2G", /"size" is given twice/],
    ["storage=a,size=-1G", /is not a size/],
    ["shared", /is not name=value/],
    ["storage=a,size=1G,bse=x", /unknown part "bse"/],
  ])("refuses %j", (text, message) => {
    expect(() => parseDiskFlag(text)).toThrow(message);
  });
});

describe("parseNetworkFlag", () => {
  it.each([
    ["blue", { network: "blue" }],
    ["blue,mac=52:54:00:AA:00:01", { network: "blue", mac: "52:54:00:aa:00:01" }],
    ["blue,address=none", { network: "blue", addresses: [] }],
    [
      "blue,address=10.0.0.5+2001:DB8::5",
      { network: "blue", addresses: ["10.0.0.5", "2001:db8::5"] },
    ],
    [
      "all,trunk=30+10-12",
      {
        network: "all",
        trunk: [
          { first: 10, last: 12 },
          { first: 30, last: 30 },
        ],
      },
    ],
    [
      "blue,model=e1000e,in=1000,guard=off,boot=2,link=down",
      {
        network: "blue",
        model: "e1000e",
        rates: { inboundKbytesPerSecond: 1000, outboundKbytesPerSecond: 0 },
        unguarded: true,
        bootOrder: 2,
        linkDown: true,
      },
    ],
  ] as const)("%s", (text, nic) => {
    expect(parseNetworkFlag(text)).toEqual(encodeNic(nic));
  });
  it.each([
    ["", /a name is required/],
    ["blue,vlan=3", /unknown part "vlan"/],
    ["blue,mac=1", /is not a MAC address/],
  ])("refuses %j", (text, message) => {
    expect(() => parseNetworkFlag(text)).toThrow(message);
  });
});

describe("completeSpec", () => {
  it("lets flags win over the file, field by field", () => {
    const file = { name: "a", cpus: 1, memoryBytes: 1n, cpuModel: "EPYC" };
    const spec = completeSpec([file, specOfFlags({ cpus: 4 }), { name: "b" }]);
    expect(spec).toMatchObject({ name: "b", cpus: 4, memoryBytes: 1n, cpuModel: "EPYC" });
  });
  it("asks for what is missing", () => {
    expect(() => completeSpec([{ memoryBytes: 1n }])).toThrow(/a name is required/);
    expect(() => completeSpec([{ name: "a" }])).toThrow(/^memory: is required/);
  });
  it("wants a kernel with its ramdisk", () => {
    expect(() => specOfFlags({ initrd: "/i" })).toThrow(/--kernel: is required/);
  });
});
