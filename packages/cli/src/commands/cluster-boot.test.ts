import { GIB } from "@muster/model";
import { describe, expect, it } from "vitest";
import { parseLease, parseMemoryPair } from "./cluster-boot.ts";
import { parseMember } from "./group.ts";

describe("flags of virtual clusters", () => {
  it.each([
    ["2G", [2n * GIB, 2n * GIB]],
    ["4G:8G", [4n * GIB, 8n * GIB]],
  ])("--memory %s is the frontend's and the computes'", (text, sizes) => {
    expect(parseMemoryPair(text)).toStrictEqual(sizes);
  });

  it("--memory takes no third size", () => {
    expect(() => parseMemoryPair("1G:2G:3G")).toThrow('--memory: "1G:2G:3G"');
  });

  it.each([
    ["90s", 90],
    ["8h", 28_800],
    ["30d", 2_592_000],
  ])("--lease %s is %i seconds", (text, seconds) => {
    expect(parseLease(text)).toBe(seconds);
  });
});

describe("values of a group's member", () => {
  it.each([
    ["web-1", { name: "web-1", mac: "", addresses: [] }],
    [
      "web-1,mac=52:54:00:00:00:01,address=10.0.0.5",
      { name: "web-1", mac: "52:54:00:00:00:01", addresses: ["10.0.0.5"] },
    ],
    ["address=10.0.0.5+2001:db8::5", { name: "", mac: "", addresses: ["10.0.0.5", "2001:db8::5"] }],
  ])("%s", (text, values) => {
    expect(parseMember(text)).toStrictEqual(values);
  });

  it("are no others", () => {
    expect(() => parseMember("web-1,colour=red")).toThrow("colour");
  });
});
