import { describe, expect, it } from "vitest";
import { Mailbox } from "./mailbox.ts";

async function drain<Value>(mailbox: Mailbox<Value>): Promise<readonly Value[]> {
  const values: Value[] = [];
  for await (const value of mailbox) values.push(value);
  return values;
}

describe("Mailbox", () => {
  it("gives what was put, in order, and ends", async () => {
    const mailbox = new Mailbox<number>(10);
    mailbox.put(1);
    const reading = drain(mailbox);
    mailbox.put(2);
    mailbox.end();
    expect(await reading).toEqual([1, 2]);
  });

  it("delivers pokes, whose value is undefined", async () => {
    const mailbox = new Mailbox<undefined>(10);
    mailbox.put(undefined);
    mailbox.put(undefined);
    mailbox.end();
    expect(await drain(mailbox)).toHaveLength(2);
  });

  it("gives what was put before an error, then the error", async () => {
    const mailbox = new Mailbox<number>(10);
    mailbox.put(1);
    mailbox.end(new Error("the link broke"));
    const seen: number[] = [];
    const reading = (async () => {
      for await (const value of mailbox) seen.push(value);
    })();
    await expect(reading).rejects.toThrow("the link broke");
    expect(seen).toEqual([1]);
  });

  it("ends with an error instead of growing past its capacity", async () => {
    const mailbox = new Mailbox<number>(2);
    expect([mailbox.put(1), mailbox.put(2), mailbox.put(3), mailbox.put(4)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    await expect(drain(mailbox)).rejects.toThrow("more than 2 messages");
  });
});
