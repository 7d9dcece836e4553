import { describe, expect, it } from "vitest";
import { parseCoordinatorAddress } from "./address.ts";

describe("parseCoordinatorAddress", () => {
  it.each([
    ["unix:///run/m.sock", "unix:///run/m.sock"],
    ["unix:/run/m.sock", "unix:///run/m.sock"],
    ["/run/m.sock", "unix:///run/m.sock"],
    ["https://ctl", "https://ctl:7443"],
    ["https://ctl:443", "https://ctl:443"],
    ["https://ctl:9000/", "https://ctl:9000"],
    ["https://10.0.0.1", "https://10.0.0.1:7443"],
    ["https://[::1]:7443", "https://[::1]:7443"],
  ])("%s", (text, shown) => {
    expect(parseCoordinatorAddress(text).shown).toBe(shown);
  });

  it.each([
    ["", /is not an address/],
    ["ctl:7443", /is not an address/],
    ["ftp://ctl", /is not an address/],
    ["http://ctl:7443", /plaintext is never spoken/],
    ["https://ctl/path", /more than a host and a port/],
    ["https://user@ctl", /more than a host and a port/],
    ["unix://run/m.sock", /not an absolute path/],
    [`/${"x".repeat(120)}`, /longer than 107 bytes/],
  ])("refuses %j", (text, message) => {
    expect(() => parseCoordinatorAddress(text)).toThrow(message);
  });
});
