/**
 * A hypervisor that changes nothing any more once the command it works for was cancelled or is out of time. Whoever
 * waited for that command has given it up by then, and may have decided something else about the VM.
 */
import type { Hypervisor, VmControl } from "../hypervisor/hypervisor.ts";

export function untilCancelled(hypervisor: Hypervisor, signal: AbortSignal): Hypervisor {
  const { control } = hypervisor;
  const guarded: VmControl = {
    define: async (definition) => {
      signal.throwIfAborted();
      return control.define(definition);
    },
    power: async (vmId, action) => {
      signal.throwIfAborted();
      return control.power(vmId, action);
    },
    mark: async (vmId, generation) => {
      signal.throwIfAborted();
      return control.mark(vmId, generation);
    },
    undefine: async (vmId) => {
      signal.throwIfAborted();
      return control.undefine(vmId);
    },
    removeVolumes: async (vmId, spec) => {
      signal.throwIfAborted();
      return control.removeVolumes(vmId, spec);
    },
  };
  return {
    watch: hypervisor.watch,
    control: guarded,
    migration: hypervisor.migration,
    console: hypervisor.console,
    seeds: hypervisor.seeds,
    facts: () => hypervisor.facts(),
    [Symbol.asyncDispose]: () => hypervisor[Symbol.asyncDispose](),
  };
}
