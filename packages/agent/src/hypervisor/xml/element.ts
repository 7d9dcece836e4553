/** An XML element as muster sees it: enough for libvirt's documents, which have no mixed content that matters. */
export interface XmlElement {
  /** With its prefix as written: "muster:vm". */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** All text directly inside, concatenated, untrimmed. */
  readonly text: string;
}

/** First child of that name. */
export const childOf = (parent: XmlElement | undefined, name: string): XmlElement | undefined =>
  parent?.children.find((child) => child.name === name);

export const childrenOf = (parent: XmlElement | undefined, name: string): readonly XmlElement[] =>
  parent?.children.filter((child) => child.name === name) ?? [];

/** Follows first children: `descend(domain, "os", "type")`. */
export const descend = (
  parent: XmlElement | undefined,
  ...names: readonly string[]
): XmlElement | undefined =>
  names.reduce<XmlElement | undefined>((element, name) => childOf(element, name), parent);

export const attributeOf = (parent: XmlElement | undefined, name: string): string | undefined =>
  parent?.attributes.get(name);

/** Trimmed text; undefined when the element is absent or empty. */
export function textOf(element: XmlElement | undefined): string | undefined {
  const text = element?.text.trim() ?? "";
  return text === "" ? undefined : text;
}
