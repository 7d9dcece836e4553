import type * as pb from "@muster/proto/types";
import { describe, expect, it } from "vitest";
import { MusterError } from "../errors.ts";
import { GIB, MIB, TIB } from "../sizes.ts";
import { aNetwork } from "../testing/index.ts";
import { decodeNetworkSpec, encodeNetworkSpec } from "./network.ts";
import { encodeNic } from "./nic.ts";
import { decodeVmSpec, decodeVmSpecDraft, encodeVmSpec } from "./vm-spec.ts";

const good: pb.VmSpec = {
  name: "web-1",
  cpus: 2,
  memoryBytes: 2n * GIB,
  disks: [{ storage: "default", sizeBytes: 10n * GIB, baseVolume: "" }],
  nics: [encodeNic({ network: "blue", mac: "52:54:00:00:00:01" })],
  kernel: undefined,
  antiAffinityGroups: ["web"],
  cpuModel: "",
  machineType: "",
  ha: undefined,
};
const kernel = { kernelPath: "/boot/vmlinuz", initrdPath: "/boot/initrd", commandLine: "quiet" };
const disk = { storage: "default", sizeBytes: GIB, baseVolume: "" };
const nic = encodeNic({ network: "blue", mac: "52:54:00:00:00:02" });

describe("decodeVmSpec", () => {
  const refusals: readonly (readonly [string, Partial<pb.VmSpec>, RegExp])[] = [
    ["no name", { name: "" }, /^vm\.name: a name is required/],
    ["a name with spaces", { name: "web 1" }, /^vm\.name: "web 1" is not a name/],
    ["a long name", { name: "a".repeat(64) }, /^vm\.name: 64 characters/],
    ["no CPUs", { cpus: 0 }, /^vm\.cpus: 0 is not within 1 to 512/],
    ["too many CPUs", { cpus: 513 }, /^vm\.cpus: 513/],
    ["negative CPUs", { cpus: -1 }, /^vm\.cpus: -1/],
    ["half a CPU", { cpus: 1.5 }, /^vm\.cpus: 1\.5/],
    ["no memory", { memoryBytes: 0n }, /^vm\.memoryBytes: 0 B is not within 16 MiB to 64 TiB/],
    ["negative memory", { memoryBytes: -MIB }, /^vm\.memoryBytes: -1 MiB/],
    ["endless memory", { memoryBytes: 65n * TIB }, /^vm\.memoryBytes: 65 TiB/],
    ["crooked memory", { memoryBytes: GIB + 1n }, /^vm\.memoryBytes: .*whole number of MiB/],
    ["33 disks", { disks: Array.from({ length: 33 }, () => disk) }, /^vm\.disks: 33 entries/],
    [
      "a blank disk size",
      { disks: [{ ...disk, sizeBytes: 0n }] },
      /^vm\.disks\[0\]\.sizeBytes: 0 B/,
    ],
    [
      "crooked disk",
      { disks: [{ ...disk, sizeBytes: GIB + 1n }] },
      /^vm\.disks\[0\]\.sizeBytes: .*sectors/,
    ],
    ["no storage", { disks: [disk, { ...disk, storage: "" }] }, /^vm\.disks\[1\]\.storage: a name/],
    [
      "a volume outside its storage",
      { disks: [{ ...disk, baseVolume: "../../etc/shadow" }] },
      /^vm\.disks\[0\]\.baseVolume: .*not the name of a volume/,
    ],
    [
      "17 NICs",
      { nics: Array.from({ length: 17 }, () => ({ ...nic, mac: "" })) },
      /^vm\.nics: 17 entries/,
    ],
    ["no MAC", { nics: [encodeNic({ network: "blue" })] }, /^vm\.nics\[0\]\.mac: is required/],
    [
      "a bad MAC",
      { nics: [{ ...nic, mac: "52:54" }] },
      /^vm\.nics\[0\]\.mac: "52:54" is not a MAC/,
    ],
    [
      "a multicast MAC",
      { nics: [{ ...nic, mac: "01:00:5e:00:00:01" }] },
      /^vm\.nics\[0\]\.mac: .*multicast/,
    ],
    ["a MAC twice", { nics: [nic, { ...nic, network: "green" }] }, /^vm\.nics: .*is there twice/],
    ["a group twice", { antiAffinityGroups: ["a", "a"] }, /^vm\.antiAffinityGroups: .*twice/],
    [
      "a relative kernel",
      { kernel: { ...kernel, kernelPath: "vmlinuz" } },
      /^vm\.kernel\.kernelPath: .*not an absolute path/,
    ],
    [
      "a kernel that climbs",
      { kernel: { ...kernel, kernelPath: "/boot/../etc/x" } },
      /^vm\.kernel\.kernelPath: must not go up/,
    ],
    [
      "no kernel",
      { kernel: { ...kernel, kernelPath: "" } },
      /^vm\.kernel\.kernelPath: is required/,
    ],
    [
      "a command line of two lines",
      { kernel: { ...kernel, commandLine: "a\nb" } },
      /^vm\.kernel\.commandLine: has line breaks/,
    ],
    [
      "a command line no kernel takes",
      { kernel: { ...kernel, commandLine: "a".repeat(2048) } },
      /^vm\.kernel\.commandLine: 2048 characters/,
    ],
    ["markup for a CPU", { cpuModel: "<x/>" }, /^vm\.cpuModel: "<x\/>" has characters/],
    ["markup for a machine", { machineType: 'q"' }, /^vm\.machineType: /],
  ];

  it.each(refusals)("refuses %s", (_what, change, words) => {
    const decode = (): unknown => decodeVmSpec({ ...good, ...change }, "vm");
    expect(decode).toThrow(MusterError);
    expect(decode).toThrow(words);
  });

  it("takes a good spec and gives it back", () => {
    expect(encodeVmSpec(decodeVmSpec(good, "vm"))).toStrictEqual(good);
    const withKernel = { ...good, kernel: { ...kernel, initrdPath: "" } };
    expect(encodeVmSpec(decodeVmSpec(withKernel, "vm"))).toStrictEqual(withKernel);
  });

  it("leaves out what is not set", () => {
    expect(Object.keys(decodeVmSpec(good, "vm"))).not.toContain("cpuModel");
    expect(decodeVmSpec(good, "vm").disks[0]).toStrictEqual({
      storage: "default",
      sizeBytes: 10n * GIB,
    });
  });
});

describe("decodeVmSpecDraft", () => {
  it("takes NICs without MAC, several of them", () => {
    const nics = [encodeNic({ network: "blue" }), encodeNic({ network: "blue" })];
    const draft = decodeVmSpecDraft({ ...good, nics }, "vm");
    expect(draft.nics).toStrictEqual([{ network: "blue" }, { network: "blue" }]);
    expect(encodeVmSpec(draft).nics).toStrictEqual(nics);
  });

  it("writes MACs in lower case", () => {
    const draft = decodeVmSpecDraft(
      { ...good, nics: [{ ...nic, mac: "52:54:00:AB:CD:EF" }] },
      "vm",
    );
    expect(draft.nics[0]?.mac).toBe("52:54:00:ab:cd:ef");
  });
});

describe("decodeNetworkSpec", () => {
  const network: pb.NetworkSpec = { ...encodeNetworkSpec(aNetwork({ name: "blue" })), mtu: 0 };
  const refusals: readonly (readonly [string, Partial<pb.NetworkSpec>, RegExp])[] = [
    ["VLAN 5000", { vlan: 5000 }, /^network\.vlan: 5000 is not a VLAN id/],
    ["VLAN 0", { vlan: 0 }, /^network\.vlan: 0/],
    ["an MTU of 100", { mtu: 100 }, /^network\.mtu: 100 is not within 1280 to 9216/],
    ["a host twice", { hosts: ["h1", "h1"] }, /^network\.hosts: "h1" is there twice/],
    ["a bad host", { hosts: ["h1", "H 2"] }, /^network\.hosts\[1\]: "H 2" is not a name/],
  ];
  it.each(refusals)("refuses %s", (_what, change, words) => {
    expect(() => decodeNetworkSpec({ ...network, ...change }, "network")).toThrow(words);
  });

  it("has the usual MTU when none is said", () => {
    expect(decodeNetworkSpec(network, "network").mtu).toBe(1500);
  });
});
