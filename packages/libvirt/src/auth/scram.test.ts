import * as crypto from "node:crypto";
import { describe, expect, it } from "vitest";
import { ScramClient } from "./scram.ts";

// The example exchange of RFC 7677, section 3.
const challenge =
  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const client = () =>
  new ScramClient(crypto, { username: "user", password: "pencil" }, "rOprNGfwEbeRWgbNEkqO");

describe("SCRAM-SHA-256", () => {
  it("speaks as in RFC 7677", () => {
    const scram = client();
    expect(scram.first()).toBe("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    expect(scram.final(challenge)).toBe(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    );
    scram.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  });

  it.each([
    ["a nonce that is not ours", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
    ["our nonce alone", "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
    ["too few iterations", challenge.replace("4096", "1")],
    ["absurdly many iterations", challenge.replace("4096", "4096000000")],
    ["nothing", ""],
  ])("refuses %s", (_, text) => {
    expect(() => client().final(text)).toThrow(/SCRAM/);
  });

  it("refuses a server that does not know the password", () => {
    const scram = client();
    scram.final(challenge);
    expect(() => scram.verify("v=AAAA")).toThrow(/does not know/);
    expect(() => scram.verify("e=invalid-proof")).toThrow(/refused the password/);
  });

  it("escapes names", () => {
    const scram = new ScramClient(crypto, { username: "a=b,c", password: "" }, "x");
    expect(scram.first()).toBe("n,,n=a=3Db=2Cc,r=x");
  });
});
