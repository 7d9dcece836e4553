/** The order of test files: with two at a time, a long one that begins last is waited for alone. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take a minute or more, the longest first. Others follow in vitest's own order. */
const LONG = [
  "test/lab/cluster-faults.test.ts",
  "packages/agent/src/hypervisor/libvirt/libvirt-hypervisor.live.test.ts",
  "test/kernel-lab/linux-bridge-network.test.ts",
  "test/lab/cluster-host-failure.test.ts",
  "test/lab/quickstart.test.ts",
  "test/lab/cluster-security.test.ts",
  "test/integration/quickstart-simulated.test.ts",
];

const rank = (moduleId: string): number => {
  const place = LONG.findIndex((path) => moduleId.endsWith(path));
  return place === -1 ? LONG.length : place;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((left, right) => rank(left.moduleId) - rank(right.moduleId));
  }
}
