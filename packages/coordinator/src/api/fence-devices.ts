/** How a host's power is switched off: set, shown, asked. */
import {
  commandIdOf,
  errorFrom,
  invalid,
  isMusterError,
  MusterError,
  type FenceDevice,
  type HostRecord,
  type OperationId,
} from "@muster/model";
import { parseFenceAgent, readFenceParameters } from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import type { CallContext, FenceOutcome } from "@muster/runtime";
import { orderFor, outcomeOf, type Fencing } from "../ha/fencing.ts";
import { put } from "../ledger/ledger.ts";
import { findHost, type LedgerView } from "../ledger/view.ts";
import type { Commands } from "../sessions/commands.ts";
import { SHOWN_SECRET } from "./encode-device.ts";
import { encodeHost } from "./hosts.ts";
import { decodeWhy, type ApiParts } from "./parts.ts";

/** More than one for two power supplies; more than this is a mistake. */
const DEVICES_MAX = 8;
const ASK_LIMIT_MS = 120_000;
const ASK_OFFLINE_MS = 10_000;
/** Asking is no operation: nothing is changed and nothing must survive a restart. */
const ASK_OPERATION = "op-fence" as OperationId;

/** A secret that comes back as it is shown is the one that is kept. */
function decodeDevice(
  wire: pb.FenceDevice,
  field: string,
  sources: { readonly host: HostRecord; readonly view: LedgerView; readonly fencing: Fencing },
): FenceDevice {
  const { host, view, fencing } = sources;
  const agent = parseFenceAgent(wire.agent, `${field}.agent`);
  const all = readFenceParameters(wire.parameters, `${field}.parameters`);
  const known = host.fenceDevices?.find((device) => device.agent === agent)?.sealed ?? {};
  const parameters: Record<string, string> = {};
  const sealed: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) {
    if (!wire.secrets.includes(name)) parameters[name] = value;
    else if (value === SHOWN_SECRET && known[name] !== undefined) sealed[name] = known[name];
    else sealed[name] = fencing.seal.seal(value);
  }
  const via = wire.viaHost === "" ? undefined : findHost(view, wire.viaHost);
  if (via?.id === host.id) {
    throw invalid(`${field}.via_host`, "a host that is gone cannot switch itself off");
  }
  return { agent, parameters, sealed, ...(via === undefined ? {} : { viaHostId: via.id }) };
}

export function fenceDeviceHandlers(
  parts: ApiParts,
  { commands, fencing }: { readonly commands: Commands; readonly fencing: Fencing },
) {
  const ask = askerOf(commands, fencing);
  return {
    async setHostFence(
      request: pb.SetHostFenceRequest,
      context: CallContext,
    ): Promise<pb.SetHostFenceResponse> {
      const operator = parts.operatorOf(context);
      const why = decodeWhy(request.why);
      if (request.devices.length > DEVICES_MAX) {
        throw invalid("devices", `at most ${String(DEVICES_MAX)} are allowed`);
      }
      const hostId = await parts.ledger.transact((view) => {
        const host = findHost(view, request.host);
        const fenceDevices = request.devices.map((device, index) =>
          decodeDevice(device, `devices[${String(index)}]`, { host, view, fencing }),
        );
        const changed = { ...host, fenceDevices };
        return { changes: why.dryRun ? [] : [put("host", changed)], result: host.id };
      });
      const host = findHost(parts.ledger.view, hostId);
      if (!why.dryRun) {
        const count = String(request.devices.length);
        parts.events.record({
          kind: "host-fence-set",
          subject: `host/${host.name}`,
          message: `${count} fence devices set by ${operator}`,
          host: host.name,
        });
      }
      return { host: encodeHost(host, parts) };
    },

    async testHostFence(
      request: pb.TestHostFenceRequest,
      context: CallContext,
    ): Promise<pb.TestHostFenceResponse> {
      parts.operatorOf(context);
      const host = findHost(parts.ledger.view, request.host);
      const devices = host.fenceDevices ?? [];
      if (devices.length === 0) {
        throw new MusterError("wrong-state", `host ${host.name} has no fence device`, {
          hint: `set one: muster host fence set ${host.name} --agent fence_ipmilan ip=ADDRESS`,
        });
      }
      return { answers: await Promise.all(devices.map((device) => answerOf(device, ask))) };
    },
  };
}

async function answerOf(
  device: FenceDevice,
  ask: (device: FenceDevice) => Promise<FenceOutcome>,
): Promise<pb.FenceAnswer> {
  try {
    const { power } = await ask(device);
    return { agent: device.agent, power: power ?? "", problem: "" };
  } catch (error) {
    if (!isMusterError(error)) throw error;
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return { agent: device.agent, power: "", problem: `${error.message}${cause}` };
  }
}

/** Asks a device for the state of its power, from the machine that runs it. */
function askerOf(commands: Commands, fencing: Fencing) {
  let asked = 0;
  return async (device: FenceDevice): Promise<FenceOutcome> => {
    const order = orderFor(device, "status", fencing.seal);
    if (device.viaHostId === undefined) return fencing.runner.run(order);
    asked += 1;
    const commandId = commandIdOf(ASK_OPERATION, "status", asked);
    const result = await commands.execute(
      device.viaHostId,
      { kind: "command", commandId, timeoutMs: ASK_LIMIT_MS, action: order },
      {
        signal: new AbortController().signal,
        onProgress: () => undefined,
        limitMs: ASK_LIMIT_MS,
        offlineLimitMs: ASK_OFFLINE_MS,
      },
    );
    if (result.error !== undefined) throw errorFrom(result.error);
    return outcomeOf(result.findings);
  };
}
