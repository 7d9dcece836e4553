/** "10,20-29": VLAN ids as people write them. PURE. */
import { invalid } from "@muster/model";
import type { VlanRange } from "@muster/proto/types";

export function parseVlanList(text: string, field: string): VlanRange[] {
  return text.split(/[,+]/).map((part) => {
    const found = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (found === null) {
      throw invalid(field, `"${part.slice(0, 40)}" is not a VLAN id`, 'write them like "10,20-29"');
    }
    return { first: Number(found[1]), last: Number(found[2] ?? found[1]) };
  });
}
