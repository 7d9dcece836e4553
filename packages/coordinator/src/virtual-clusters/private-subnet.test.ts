import { describe, expect, it } from "vitest";
import { computeAddress, frontendAddress } from "./private-subnet.ts";

describe("addresses within a virtual cluster", () => {
  it.each([
    ["10.1.0.0/16", "10.1.1.1", ["10.1.255.254", "10.1.255.253"]],
    ["10.0.0.0/8", "10.0.1.1", ["10.255.255.254", "10.255.255.253"]],
    ["10.102.0.0/24", "10.102.0.1", ["10.102.0.254", "10.102.0.253"]],
    ["192.168.7.128/28", "192.168.7.129", ["192.168.7.142", "192.168.7.141"]],
  ])("of %s", (cidr, frontend, computes) => {
    expect(frontendAddress(cidr)).toBe(frontend);
    expect([0, 1].map((index) => computeAddress(cidr, index))).toStrictEqual(computes);
  });

  it("end above the frontend's", () => {
    expect(computeAddress("192.168.7.128/28", 12)).toBe("192.168.7.130");
    expect(() => computeAddress("192.168.7.128/28", 13)).toThrow(
      "192.168.7.128/28 has no address for compute-13",
    );
  });
});
