import { isIP } from "node:net";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  firstHost,
  isWithin,
  lastHost,
  overlaps,
  parseAddress,
  parseInterfaceAddress,
  parseSubnet,
  renderAddress,
  renderSubnet,
  reverseName,
} from "./addresses.ts";

const addressOf = (text: string) => parseAddress(text, "a");
const subnetOf = (text: string) => parseSubnet(text, "s");

describe("addresses", () => {
  it("IPv6 text is what browsers make of it", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
        expect(renderAddress(addressOf(text))).toBe(canonical);
      }),
    );
  });

  it("IPv6 with runs of zeros is what browsers make of it", () => {
    const group = fc.oneof(fc.constant(0), fc.nat({ max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const text = groups.map((value) => value.toString(16)).join(":");
        const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
        expect(renderAddress(addressOf(text))).toBe(canonical);
        expect(addressOf(canonical)).toStrictEqual(addressOf(text));
      }),
    );
  });

  it("IPv4 goes there and back", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(renderAddress(addressOf(text))).toBe(text);
      }),
    );
  });

  it("takes exactly what the system takes", () => {
    const part = fc.stringMatching(/^[0-9a-f]{0,4}$/);
    const separator = fc.constantFrom(":", "::", ".", "");
    const text = fc
      .array(fc.tuple(part, separator), { maxLength: 10 })
      .map((pairs) => pairs.flat().join(""));
    fc.assert(
      fc.property(fc.oneof(text, fc.ipV6(), fc.ipV4()), (candidate) => {
        let family = 0;
        try {
          family = addressOf(candidate).family;
        } catch {
          family = 0;
        }
        expect(family).toBe(isIP(candidate));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["", "10.1.0", "10.1.0.256", "010.1.0.1", "1::2::3", ":::", "fe80::1%eth0", "1:2", "x"])(
    "%j is refused by field",
    (text) => {
      expect(() => parseAddress(text, "subnets[0].gateway")).toThrow(/^subnets\[0\]\.gateway: ./);
    },
  );
});

describe("subnets", () => {
  it("have first and last hosts", () => {
    const hosts = (text: string): readonly string[] => {
      const subnet = subnetOf(text);
      return [firstHost(subnet), lastHost(subnet)].map((value) =>
        renderAddress({ family: subnet.family, value }),
      );
    };
    expect(hosts("10.1.0.0/24")).toStrictEqual(["10.1.0.1", "10.1.0.254"]);
    expect(hosts("10.1.0.0/31")).toStrictEqual(["10.1.0.0", "10.1.0.1"]);
    expect(hosts("10.1.0.7/32")).toStrictEqual(["10.1.0.7", "10.1.0.7"]);
    expect(hosts("2001:db8::/64")).toStrictEqual(["2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"]);
  });

  it("say what was meant when host bits are set", () => {
    expect(() => subnetOf("10.1.0.5/24")).toThrow("s: 10.1.0.5/24 has bits set beyond its prefix");
    expect(renderSubnet(subnetOf("2001:DB8::/32"))).toBe("2001:db8::/32");
  });

  it.each(["10.1.0.0", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/08", "::/129", "/24"])(
    "%j is refused",
    (text) => {
      expect(() => subnetOf(text)).toThrow(/^s: ./);
    },
  );

  it("overlap when one has an address of the other", () => {
    const anySubnet = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }));
    fc.assert(
      fc.property(anySubnet, anySubnet, ([leftText, leftLength], [rightText, rightLength]) => {
        const left = parseInterfaceAddress(`${leftText}/${String(leftLength)}`, "l").subnet;
        const right = parseInterfaceAddress(`${rightText}/${String(rightLength)}`, "r").subnet;
        const shares =
          isWithin(left, { family: 4, value: right.first }) ||
          isWithin(right, { family: 4, value: left.first });
        expect(overlaps(left, right)).toBe(shares);
      }),
    );
    expect(overlaps(subnetOf("0.0.0.0/0"), subnetOf("::/0"))).toBe(false);
  });

  it("an interface's address needs its prefix length", () => {
    expect(() => parseInterfaceAddress("10.0.0.3", "address")).toThrow("lacks a prefix length");
    const { address, subnet } = parseInterfaceAddress("10.0.0.3/24", "address");
    expect([renderAddress(address), renderSubnet(subnet)]).toStrictEqual([
      "10.0.0.3",
      "10.0.0.0/24",
    ]);
  });
});

describe("reverse names", () => {
  it("of both families", () => {
    expect(reverseName(addressOf("10.1.0.5"))).toBe("5.0.1.10.in-addr.arpa");
    expect(reverseName(addressOf("2001:db8::567:89ab"))).toBe(
      "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    );
  });
});
