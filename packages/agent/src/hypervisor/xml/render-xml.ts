/**
 * Writes XML from data. Pure. There is no way to put markup in: every value is escaped, and a character that XML
 * cannot carry is refused instead of dropped.
 */
import { assert, invalid } from "@muster/model";

export interface XmlTree {
  readonly name: string;
  /** An attribute that is undefined is left out. */
  readonly attributes: Readonly<Record<string, string | undefined>>;
  readonly content: readonly XmlTree[] | string;
}

type Attributes = XmlTree["attributes"];

/** `undefined` children are left out, so that optional parts can stand in place. */
export function element(
  name: string,
  attributes: Attributes = {},
  children: readonly (XmlTree | undefined)[] = [],
): XmlTree {
  const content = children.filter((child) => child !== undefined);
  return { name, attributes, content };
}

export function textElement(name: string, text: string, attributes: Attributes = {}): XmlTree {
  return { name, attributes, content: text };
}

export function renderXml(tree: XmlTree, indent = ""): string {
  assert(/^[A-Za-z_][\w.:-]*$/.test(tree.name), `"${tree.name}" is not an element name`);
  const opening = `${indent}<${tree.name}${renderAttributes(tree.attributes)}`;
  if (typeof tree.content === "string") {
    return `${opening}>${escapeXml(tree.content)}</${tree.name}>\n`;
  }
  if (tree.content.length === 0) return `${opening}/>\n`;
  const inside = tree.content.map((child) => renderXml(child, `${indent}  `)).join("");
  return `${opening}>\n${inside}${indent}</${tree.name}>\n`;
}

function renderAttributes(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => {
      assert(/^[A-Za-z_][\w.:-]*$/.test(name), `"${name}" is not an attribute name`);
      return value === undefined ? "" : ` ${name}="${escapeXml(value)}"`;
    })
    .join("");
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  // Literal ones would become spaces in attributes.
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

// Everything outside the Char production of XML 1.0.
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Throws "invalid" for what XML cannot carry at all, escaped or not. */
export function escapeXml(value: string): string {
  if (!isXmlText(value)) {
    throw invalid("text", `${JSON.stringify(value.slice(0, 80))} has characters XML cannot carry`);
  }
  return value.replaceAll(/[&<>"'\t\n\r]/g, (character) => escapes[character] ?? character);
}

export const isXmlText = (value: string): boolean => !NOT_XML.test(value) && value.isWellFormed();
