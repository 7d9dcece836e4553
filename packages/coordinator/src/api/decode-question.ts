/** Questions from the wire. */
import {
  assertNever,
  invalid,
  parseWord,
  type RebalancePolicy,
  type VmId,
  type VmRules,
} from "@muster/model";
import { decodeVmSpecDraft } from "@muster/model/wire";
import type * as pb from "@muster/proto/admin";
import { decodeRule } from "./decode-rules.ts";
import { requestFor } from "../planning/cluster-snapshot.ts";
import type { PlanQuestion, Resize } from "../plans/plan-question.ts";

/** Throws `invalid` by the field. */
export function decodeQuestion(
  wire: pb.AskPlanRequest["question"],
  context: {
    /** Names a VM that does not exist. */
    readonly newId: () => VmId;
    /** Of the VM to be placed. */
    readonly rules: VmRules | undefined;
    /** In force where the question is about the cluster as it is. */
    readonly rebalance: RebalancePolicy | undefined;
  },
): PlanQuestion {
  if (wire === undefined) throw invalid("question", "is required");
  switch (wire.$case) {
    case "place":
      return decodePlace(wire.value, context);
    case "drain":
      return { kind: "drain", hosts: someHosts(wire.value, "drain") };
    case "recover":
      return { kind: "recover", hosts: someHosts(wire.value, "recover") };
    case "returnHome":
      return { kind: "return-home", hosts: wire.value.hosts };
    case "rebalance": {
      const { seed } = wire.value;
      return {
        kind: "rebalance",
        ...movesMax(wire.value),
        ...(seed === 0 ? {} : { seed }),
        ...restraintOf(context.rebalance),
      };
    }
    case "consolidate":
      return { kind: "consolidate", ...movesMax(wire.value) };
    case "rolling": {
      const { hosts, groupMax } = wire.value;
      return { kind: "rolling", hosts, ...(groupMax === 0 ? {} : { groupMax }) };
    }
    case "capacity":
      return decodeCapacity(wire.value);
    case "whatIf":
      return decodeWhatIf(wire.value);
    default:
      return assertNever(wire);
  }
}

const movesMax = (wire: { readonly movesMax: number }) =>
  wire.movesMax === 0 ? {} : { movesMax: wire.movesMax };

/** A person may want what is not worth it by itself; what moved a while ago stays all the same. */
const restraintOf = (policy: RebalancePolicy | undefined) =>
  policy === undefined ? {} : { restraint: { cooldownSeconds: policy.cooldownMs / 1_000 } };

function decodePlace(
  spec: Parameters<typeof decodeVmSpecDraft>[0],
  { newId, rules }: { readonly newId: () => VmId; readonly rules: VmRules | undefined },
): PlanQuestion {
  const draft = decodeVmSpecDraft(spec, "place");
  const nics = draft.nics.map((nic) => ({ network: nic.network, mac: nic.mac ?? "" }));
  return {
    kind: "place",
    vm: requestFor({
      id: newId(),
      spec: { ...draft, nics },
      ...(rules === undefined ? {} : { rules }),
    }),
  };
}

function someHosts(wire: pb.PlanHosts, field: string): readonly string[] {
  if (wire.hosts.length > 0) return wire.hosts;
  throw invalid(`${field}.hosts`, "is required: which hosts?");
}

function decodeShape(wire: pb.PlanShape, field: string) {
  if (wire.cpus === 0) throw invalid(`${field}.cpus`, "is required");
  if (wire.memoryBytes === 0n) throw invalid(`${field}.memory_bytes`, "is required");
  return { cpus: wire.cpus, memoryBytes: wire.memoryBytes };
}

function decodeCapacity(wire: pb.PlanCapacity): PlanQuestion {
  if (wire.shapes.length === 0) throw invalid("capacity.shapes", "is required: VMs of which size?");
  const shapes = wire.shapes.map((shape, index) =>
    decodeShape(shape, `capacity.shapes[${String(index)}]`),
  );
  const survive = wire.survive === 0 ? {} : { survive: wire.survive };
  return { kind: "capacity", shapes, ...survive };
}

/** More hosts than any cluster has; each takes memory. */
const HOSTS_ADDED_MAX = 2_500;

function decodeWhatIf(wire: pb.PlanWhatIf): PlanQuestion {
  const { lose, addHosts, like, loseDomains, removeRules } = wire;
  if (addHosts > HOSTS_ADDED_MAX) {
    throw invalid("what_if.add_hosts", `at most ${String(HOSTS_ADDED_MAX)}`);
  }
  if (addHosts > 0 && like === "") throw invalid("what_if.like", "is required: like which host?");
  const resize = wire.resize.map((each, index): Resize => {
    if (each.vm === "") throw invalid(`what_if.resize[${String(index)}].vm`, "is required");
    return { vm: each.vm, ...sizeOf(each) };
  });
  const resizeHosts = wire.resizeHosts.map((each, index) => {
    const field = `what_if.resize_hosts[${String(index)}].host`;
    if (each.host === "") throw invalid(field, "is required");
    return { host: each.host, ...sizeOf(each) };
  });
  const setRules = wire.setRules.map(decodeRule);
  const shape = wire.shape === undefined ? {} : { shape: decodeShape(wire.shape, "what_if.shape") };
  const changes = [lose, loseDomains, resize, resizeHosts, setRules, removeRules];
  const isOther = addHosts > 0 || wire.survive !== undefined;
  if (!isOther && changes.every((list) => list.length === 0)) {
    const hint = "lose or add hosts, resize VMs or hosts, or change a rule";
    throw invalid("what_if", "nothing would be different", hint);
  }
  if (addHosts > 0 && wire.shape === undefined) {
    throw invalid("what_if.shape", "is required: room for VMs of which size?");
  }
  const add = addHosts === 0 ? {} : { add: { count: addHosts, like } };
  return {
    kind: "what-if",
    lose,
    loseDomains,
    resize,
    resizeHosts,
    setRules,
    removeRules,
    ...add,
    ...shape,
    ...surviveOf(wire.survive),
  };
}

const sizeOf = (wire: { readonly cpus: number; readonly memoryBytes: bigint }) => ({
  ...(wire.cpus === 0 ? {} : { cpus: wire.cpus }),
  ...(wire.memoryBytes === 0n ? {} : { memoryBytes: wire.memoryBytes }),
});

function surviveOf(wire: pb.PlanSurvive | undefined) {
  if (wire === undefined) return {};
  const level = wire.level === "" ? "host" : parseWord(wire.level, "what_if.survive.level");
  return { survive: { level, count: wire.count } };
}
