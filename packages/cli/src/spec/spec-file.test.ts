import { describe, expect, it } from "vitest";
import type { VmSpec } from "@muster/proto/types";
import { MusterError } from "@muster/model";
import { encodeNic } from "@muster/model/wire";
import { renderYaml } from "../render/serialize.ts";
import { decodeVm } from "../view/vm.ts";
import { aSpec, aVm } from "../testing/builders.ts";
import { completeSpec } from "./partial-spec.ts";
import { parseSpecFile } from "./spec-file.ts";

const parse = (text: string) => completeSpec([parseSpecFile(text, "web.yaml")]);

const GIB = 1n << 30n;

describe("parseSpecFile", () => {
  it("reads the short names people write", () => {
    const text = `
name: web-1
cpus: 2
memory: 512M
disks:
  - { storage: shared, size: 10G, base: debian-13 }
networks:
  - blue
  - { network: green, mac: "52:54:00:00:00:02" }
kernel: { path: /boot/k, initrd: /boot/i, cmdline: "quiet" }
antiAffinity: [web]
machine: q35
cpuModel:
`;
    expect(parse(text)).toEqual({
      name: "web-1",
      cpus: 2,
      memoryBytes: GIB / 2n,
      disks: [{ storage: "shared", sizeBytes: 10n * GIB, baseVolume: "debian-13" }],
      nics: [
        encodeNic({ network: "blue" }),
        encodeNic({ network: "green", mac: "52:54:00:00:00:02" }),
      ],
      kernel: { kernelPath: "/boot/k", initrdPath: "/boot/i", commandLine: "quiet" },
      antiAffinityGroups: ["web"],
      cpuModel: "",
      machineType: "q35",
    });
  });

  it("reads back what vm show prints", () => {
    const kernel = { kernelPath: "/boot/k", initrdPath: "", commandLine: "quiet" };
    const nics = [
      encodeNic({
        network: "blue",
        mac: "52:54:00:00:00:01",
        addresses: ["10.0.0.5"],
        rates: { inboundKbytesPerSecond: 0, outboundKbytesPerSecond: 5 },
        bootOrder: 2,
      }),
      encodeNic({ network: "all", trunk: [{ first: 10, last: 12 }], unguarded: true }),
    ];
    const shown = (spec: VmSpec): string => renderYaml(decodeVm(aVm({ spec })).spec);
    const spec = aSpec({ kernel, antiAffinityGroups: ["web"], nics });
    expect(parse(shown(spec))).toEqual(spec);
    expect(parse(shown(aSpec()))).toEqual(aSpec());
  });

  it("reads JSON", () => {
    expect(parse('{"name":"a","memory":1073741824}')).toMatchObject({ memoryBytes: GIB, cpus: 1 });
  });

  it.each([
    ["name: a\ncpsu: 2", "in web.yaml: cpsu: unknown field", 'did you mean "cpus"?'],
    ["name: a\nflavour: big", "in web.yaml: flavour: unknown field", "known fields: name, cpus"],
    ["disks: [{storage: s, siez: 1G}]", "disks[0].siez: unknown field", 'did you mean "size"?'],
    ["disks: [{storage: s}]", "disks[0].size: is required", undefined],
    ["disks: {}", "disks: must be a list", undefined],
    ["memory: -1G", 'memory: "-1G" is not a size', "512M"],
    ["memory: -1", 'memory: "-1" is not a size', "512M"],
    ["memory: [1]", "memory: must be a size", undefined],
    ["cpus: 0", 'cpus: "0" is not a number from 1', undefined],
    ["cpus: 1.5", 'cpus: "1.5" is not a number from 1', undefined],
    ["cpus: {}", "cpus: must be a number", undefined],
    ["name: [a]", "name: must be text", undefined],
    ["memory: 1G\nmemoryBytes: 1G", "given twice, as memory and memoryBytes", undefined],
    ["networks: [{network: blue, mac: 01:00:00:00:00:00}]", "multicast", undefined],
    ["networks: ['Blue One']", 'networks[0].network: "Blue One" is not a name', undefined],
    ["kernel: /boot/k", "kernel: must be an object with fields", undefined],
    ["- 1", "spec: must be an object", undefined],
    ["", "spec: must be an object", undefined],
    ["name: a\nname: b", "neither YAML nor JSON", undefined],
    ["{{{", "neither YAML nor JSON", undefined],
    ["a: 1\n---\nb: 2", "neither YAML nor JSON", undefined],
    [`x: ${"y".repeat(1024 * 1024)}`, "larger than 1 MiB", undefined],
  ])("refuses %.60j", (text, message, hint) => {
    const error = thrownBy(() => parse(text));
    expect(error.code).toBe("invalid");
    expect(error.message).toContain(message);
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  it("refuses aliases that would fill the memory", () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const inner = level === 0 ? '"x"' : `*a${String(level - 1)}`;
      return `a${String(level)}: &a${String(level)} [${Array.from({ length: 9 }, () => inner).join(",")}]`;
    });
    expect(thrownBy(() => parse(levels.join("\n"))).message).toContain("cannot be expanded");
  });
});

function thrownBy(work: () => unknown): MusterError {
  try {
    work();
  } catch (error) {
    if (error instanceof MusterError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
