import * as pb from "@muster/proto/dispatch";
import * as types from "@muster/proto/types";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMusterError } from "../errors.ts";
import {
  anyAgentMessage,
  anyCoordinatorMessage,
  anyNetworkSpec,
  anyVmSpec,
} from "../testing/index.ts";
import { decodeAgentMessage, encodeAgentMessage } from "./agent-message.ts";
import { decodeCoordinatorMessage, encodeCoordinatorMessage } from "./coordinator-message.ts";
import { decodeNetworkSpec, encodeNetworkSpec } from "./network.ts";
import { decodeVmSpec, encodeVmSpec } from "./vm-spec.ts";

const agentBytes = (message: Parameters<typeof encodeAgentMessage>[0]): Uint8Array =>
  pb.SessionRequest.encode(encodeAgentMessage(message)).finish();
const coordinatorBytes = (message: Parameters<typeof encodeCoordinatorMessage>[0]): Uint8Array =>
  pb.SessionResponse.encode(encodeCoordinatorMessage(message)).finish();

describe("round trips through bytes", () => {
  it("of every agent message", () => {
    fc.assert(
      fc.property(anyAgentMessage, (message) => {
        const wire = pb.SessionRequest.decode(agentBytes(message));
        expect(decodeAgentMessage(wire)).toStrictEqual(message);
      }),
    );
  });

  it("of every coordinator message", () => {
    fc.assert(
      fc.property(anyCoordinatorMessage, (message) => {
        const wire = pb.SessionResponse.decode(coordinatorBytes(message));
        expect(decodeCoordinatorMessage(wire)).toStrictEqual(message);
      }),
    );
  });

  it("of specs", () => {
    fc.assert(
      fc.property(anyVmSpec, anyNetworkSpec, (vm, network) => {
        const vmWire = types.VmSpec.decode(types.VmSpec.encode(encodeVmSpec(vm)).finish());
        expect(decodeVmSpec(vmWire, "vm")).toStrictEqual(vm);
        const networkBytes = types.NetworkSpec.encode(encodeNetworkSpec(network)).finish();
        expect(decodeNetworkSpec(types.NetworkSpec.decode(networkBytes), "network")).toStrictEqual(
          network,
        );
      }),
    );
  });
});

/** Throws when `decode` fails with anything but a MusterError "invalid" that begins with a field. */
function onlyRefuses(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!isMusterError(error) || error.code !== "invalid") throw error;
    expect(error.message).toMatch(/^[\w .[\]]+: ./);
  }
}

/** A message of the generated decoder, or undefined where it refuses the bytes itself. */
function parsed<Message>(
  decode: (bytes: Uint8Array) => Message,
  bytes: Uint8Array,
): Message | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return undefined;
  }
}

/** Changes a few bytes of a good message: lengths, numbers, tags and texts all get hit. */
const anyDamage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
  minLength: 1,
  maxLength: 6,
});

function damaged(bytes: Uint8Array, damage: readonly (readonly [number, number])[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const [position, value] of damage) {
    if (copy.length > 0) copy[position % copy.length] = value;
  }
  return copy;
}

describe("damaged and hostile messages", () => {
  it("from an agent are refused as invalid, never with another exception", () => {
    fc.assert(
      fc.property(anyAgentMessage, anyDamage, (message, damage) => {
        const bytes = damaged(agentBytes(message), damage);
        const wire = parsed((input) => pb.SessionRequest.decode(input), bytes);
        onlyRefuses(() => wire && decodeAgentMessage(wire));
      }),
      { numRuns: 500 },
    );
  });

  it("from the coordinator are refused as invalid, never with another exception", () => {
    fc.assert(
      fc.property(anyCoordinatorMessage, anyDamage, (message, damage) => {
        const bytes = damaged(coordinatorBytes(message), damage);
        const wire = parsed((input) => pb.SessionResponse.decode(input), bytes);
        onlyRefuses(() => wire && decodeCoordinatorMessage(wire));
      }),
      { numRuns: 500 },
    );
  });

  const agentRefusals: readonly (readonly [string, pb.SessionRequest, string])[] = [
    ["nothing", { message: undefined }, "message: is unset"],
    [
      "an unset hello",
      { message: { $case: "hello", value: pb.Hello.decode(new Uint8Array()) } },
      "hello.agentVersion: is required",
    ],
    [
      "a report without inventory",
      { message: { $case: "fullReport", value: pb.FullReport.decode(new Uint8Array()) } },
      "fullReport.inventory: is required",
    ],
    [
      "a result without id",
      { message: { $case: "result", value: pb.CommandResult.decode(new Uint8Array()) } },
      'command id: "" is not operation/step/attempt',
    ],
  ];
  it.each(agentRefusals)("%s is refused by name", (_what, wire, words) => {
    expect(() => decodeAgentMessage(wire)).toThrow(words);
  });

  it("a VM state of a newer agent is refused by name", () => {
    const vm = types.VmObservation.decode(
      Uint8Array.of(0x0a, 16, ...new Uint8Array(16), 0x12, 1, 0x61, 0x18, 99),
    );
    const value = { ...pb.DeltaReport.decode(new Uint8Array()), vms: [vm] };
    expect(() => decodeAgentMessage({ message: { $case: "deltaReport", value } })).toThrow(
      "deltaReport.vms[0].state: 99 is newer than this program",
    );
    const unset = { ...value, vms: [{ ...vm, state: types.VmState.UNSPECIFIED }] };
    expect(() => decodeAgentMessage({ message: { $case: "deltaReport", value: unset } })).toThrow(
      "deltaReport.vms[0].state: is required",
    );
  });

  it("a command of a newer coordinator is refused by name", () => {
    const value = { commandId: "op-000001/x/1", timeoutMs: 0, action: undefined };
    expect(() => decodeCoordinatorMessage({ message: { $case: "command", value } })).toThrow(
      "command.action: is unset",
    );
  });

  it("an interval of 0 is refused", () => {
    const value = { ...pb.Welcome.decode(new Uint8Array()), protocolVersion: 1 };
    expect(() => decodeCoordinatorMessage({ message: { $case: "welcome", value } })).toThrow(
      "welcome.heartbeatIntervalMs: 0 is not within 1 to 3600000",
    );
  });
});
