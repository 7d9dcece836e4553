import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMac, parseName, parseVlan } from "./names.ts";

describe("names", () => {
  it.each(["a", "web-1", "h1.example.org", "0", "a".repeat(63)])("%s is one", (name) => {
    expect(parseName(name, "vm.name")).toBe(name);
  });

  it.each([
    ["", "vm.name: a name is required"],
    ["a b", 'vm.name: "a b" is not a name'],
    ["Web", 'vm.name: "Web" is not a name'],
    ["-a", 'vm.name: "-a" is not a name'],
    ["a-", 'vm.name: "a-" is not a name'],
    ["a\n", 'vm.name: "a\\n" is not a name'],
    ["../a", 'vm.name: "../a" is not a name'],
    ["ä", 'vm.name: "ä" is not a name'],
    ["a".repeat(64), "vm.name: 64 characters, at most 63 are allowed"],
  ])("%j is none", (name, words) => {
    expect(() => parseName(name, "vm.name")).toThrow(words);
  });

  it("are never anything but file names and labels", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 70 }), (text) => {
        try {
          expect(parseName(text, "x")).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid" });
        }
      }),
    );
  });
});

describe("MAC addresses", () => {
  it("come out in lower case", () => {
    expect(parseMac("52:54:00:AB:CD:EF", "mac")).toBe("52:54:00:ab:cd:ef");
  });

  it.each(["", "52:54:00:ab:cd", "52-54-00-ab-cd-ef", "52:54:00:ab:cd:eg", "52:54:00:ab:cd:ef:00"])(
    "%j is none",
    (text) => {
      expect(() => parseMac(text, "nic.mac")).toThrow("is not a MAC address");
    },
  );

  it("are unicast", () => {
    expect(() => parseMac("01:00:5e:00:00:01", "nic.mac")).toThrow("multicast");
    expect(() => parseMac("ff:ff:ff:ff:ff:ff", "nic.mac")).toThrow("multicast");
  });
});

describe("VLAN ids", () => {
  it.each([1, 10, 4094])("%d is one", (vlan) => {
    expect(parseVlan(vlan, "network.vlan")).toBe(vlan);
  });
  it.each([0, -1, 4095, 5000, 1.5, Number.NaN])("%d is none", (vlan) => {
    expect(() => parseVlan(vlan, "network.vlan")).toThrow("is not a VLAN id");
  });
});
