import { MusterError, STANDBY_AGE_NOTE } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { BoundMethod, CallContext, RpcService } from "@muster/runtime";
import { describe, expect, it } from "vitest";
import { Ledger } from "../ledger/ledger.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import { clusterId } from "../testing/builders.ts";
import { guardStandby } from "./standby-guard.ts";

const REPLY = Buffer.from("answer");

/** Every method of the public API, each answering the same; what it is asked does not matter here. */
const everything: RpcService = {
  methods: Object.values(AdminService).map(
    ({ path, requestStream, responseStream }): BoundMethod => {
      if (requestStream) return { kind: "stream", path, answer: async () => undefined };
      if (!responseStream) return { kind: "unary", path, answer: async () => REPLY };
      return {
        ...{ kind: "watch", path },
        answer: async function* () {
          yield await Promise.resolve(REPLY);
        },
      };
    },
  ),
};

interface Heard {
  readonly name: string;
  readonly outcome: string;
  readonly notes: readonly string[];
}

const contextOf = ({ path }: BoundMethod, notes: string[]): CallContext => ({
  peer: { kind: "local" } as never,
  signal: new AbortController().signal,
  method: path,
  note: (name, value) => notes.push(`${name}=${value}`),
});

async function call(method: BoundMethod): Promise<Heard> {
  const notes: string[] = [];
  const context = contextOf(method, notes);
  const asked = async (): Promise<unknown> => {
    if (method.kind === "unary") return method.answer(REPLY, context);
    if (method.kind === "stream") return method.answer(undefined as never, context);
    for await (const answer of method.answer(REPLY, context)) expect(answer).toBe(REPLY);
    return undefined;
  };
  const outcome = await asked().then(
    () => "answered",
    (error: unknown) => (error as MusterError).code,
  );
  return { name: method.path.slice(method.path.lastIndexOf("/") + 1), outcome, notes };
}

const callAll = (ledger: Ledger): Promise<readonly Heard[]> =>
  Promise.all(guardStandby(everything, { ledger, ageMs: () => 1_234.4 }).methods.map(call));

describe("the public API", () => {
  it("answers everything on the leader, and says nothing of an age", async () => {
    await using store = SqliteStore.open(":memory:");
    const heard = await callAll(await Ledger.open(store, () => clusterId));
    expect(heard.length).toBeGreaterThan(50);
    for (const one of heard) expect(one).toMatchObject({ outcome: "answered", notes: [] });
  });

  it("answers reads of what is stored on a standby, each with its age, and nothing else", async () => {
    await using store = SqliteStore.open(":memory:");
    const heard = await callAll(await Ledger.copy(store));
    const answered = heard.filter(({ outcome }) => outcome === "answered");
    expect(answered.map(({ name }) => name)).toContain("ListVms");
    for (const { name, notes } of answered) {
      expect(name).toMatch(/^(Get|List)/);
      expect(notes).toStrictEqual([`${STANDBY_AGE_NOTE}=1234`]);
    }
    const refused = heard.filter(({ outcome }) => outcome !== "answered");
    expect(refused.map(({ name }) => name)).toStrictEqual(
      expect.arrayContaining(["CreateVm", "WatchEvents", "OpenConsole"]),
    );
    for (const one of refused) expect(one).toMatchObject({ outcome: "not-leader", notes: [] });
  });

  it("tells those whom it refuses where the leader is", async () => {
    await using store = SqliteStore.open(":memory:");
    const ledger = await Ledger.copy(store);
    ledger.refuseWith(() => new MusterError("not-leader", "ask c1", { hint: "c1:7443" }));
    const method = guardStandby(everything, { ledger, ageMs: () => 0 }).methods.find(({ path }) =>
      path.endsWith("/CreateVm"),
    );
    if (method?.kind !== "unary") throw new Error("creating a VM is one call");
    await expect(method.answer(REPLY, contextOf(method, []))).rejects.toMatchObject({
      message: "ask c1",
      hint: "c1:7443",
    });
  });
});
