/**
 * The mark of a managed domain: an element of our own namespace in its metadata. libvirt keeps it, carries it along
 * in migrations and gives it back, so an agent with an empty disk still knows what is ours. Pure.
 */
import { parseClusterId, type ClusterId } from "@muster/model";
import { attributeOf, type XmlElement } from "../xml/element.ts";
import { element, renderXml, type XmlTree } from "../xml/render-xml.ts";

export const MARK_NAMESPACE = "https://muster.cloud/xmlns/vm/1";
/** libvirt wants the prefix and the namespace apart when it sets metadata. */
export const MARK_PREFIX = "muster";

export interface VmMark {
  readonly clusterId: ClusterId;
  /** Of the placement this copy belongs to. */
  readonly generation: number;
  /** The operation that wrote it; empty when it was written outside of one. */
  readonly operationId: string;
}

const markAttributes = (mark: VmMark): Record<string, string> => ({
  cluster: mark.clusterId,
  generation: String(mark.generation),
  operation: mark.operationId,
});

/** As it stands inside `<metadata>` of a whole domain. */
export const markElement = (mark: VmMark): XmlTree =>
  element(`${MARK_PREFIX}:vm`, {
    [`xmlns:${MARK_PREFIX}`]: MARK_NAMESPACE,
    ...markAttributes(mark),
  });

/** As virDomainSetMetadata wants it: libvirt adds prefix and namespace itself. */
export const renderMark = (mark: VmMark): string => renderXml(element("vm", markAttributes(mark)));

/** The mark among the children of `<metadata>`, under whatever prefix it has. */
export function findMark(metadata: XmlElement | undefined): VmMark | undefined {
  for (const child of metadata?.children ?? []) {
    const [prefix, local] = splitName(child.name);
    const declaration = prefix === "" ? "xmlns" : `xmlns:${prefix}`;
    if (local === "vm" && child.attributes.get(declaration) === MARK_NAMESPACE) {
      return parseMark(child);
    }
  }
  return undefined;
}

/**
 * A mark that cannot be read counts as none: whoever made it, this program must not touch the domain. The domain
 * then shows as wild, which a person notices.
 */
export function parseMark(vm: XmlElement): VmMark | undefined {
  const cluster = attributeOf(vm, "cluster") ?? "";
  const generation = attributeOf(vm, "generation") ?? "";
  if (!/^[0-9a-fA-F-]{36}$/.test(cluster) || !/^\d{1,15}$/.test(generation)) return undefined;
  return {
    clusterId: parseClusterId(cluster),
    generation: Number(generation),
    operationId: attributeOf(vm, "operation") ?? "",
  };
}

function splitName(name: string): readonly [prefix: string, local: string] {
  const colon = name.indexOf(":");
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)];
}

/** The mark in what virDomainGetMetadata returns: the bare element. */
export const markOfMetadata = (root: XmlElement): VmMark | undefined =>
  root.name === "vm" || root.name.endsWith(":vm") ? parseMark(root) : undefined;
