/**
 * Reads XML that another program wrote. Pure. Document types and entities of their own are refused, size and depth
 * are bounded: a document can be wrong, but it cannot grow.
 */
import { MusterError } from "@muster/model";
import { XMLParser } from "fast-xml-parser";
import type { XmlElement } from "./element.ts";

/** A domain with 200 disks has 100 KiB, the capabilities of a host with 512 CPUs 200 KiB. */
export const XML_LENGTH_MAX = 1024 * 1024;
/** Tags and attributes cost far more memory than the text they are written in. Those capabilities have 10,000. */
const XML_TAGS_MAX = 40_000;
const XML_ATTRIBUTES_MAX = 60_000;
/** libvirt's documents are at most about 12 deep, plus whatever metadata others add. */
const XML_DEPTH_MAX = 64;

const ATTRIBUTES = ":@";
const TEXT = "#text";

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: XML_DEPTH_MAX,
  strictReservedNames: true,
});

/** `what` names the document in errors: "domain XML of vm …". Throws "hypervisor-failed". */
export function parseXml(text: string, what: string): XmlElement {
  if (text.length > XML_LENGTH_MAX) {
    const size = `${String(text.length)} characters, at most ${String(XML_LENGTH_MAX)} are read`;
    throw unreadable(what, `it has ${size}`);
  }
  if (count(text, "<") > XML_TAGS_MAX || count(text, "=") > XML_ATTRIBUTES_MAX) {
    throw unreadable(what, "it has too many tags or attributes");
  }
  // Before the first element is the only place where the grammar allows it; libvirt never writes one.
  if (/<!(DOCTYPE|ENTITY)/i.test(text.slice(0, firstElementAt(text)))) {
    throw unreadable(what, "it has a document type, which may define entities");
  }
  let nodes: unknown;
  try {
    nodes = parser.parse(text, true);
  } catch (cause) {
    throw unreadable(what, "it is not well-formed", cause);
  }
  const elements = elementsIn(nodes, what);
  const root = elements[0];
  if (root === undefined || elements.length !== 1) {
    throw unreadable(what, `it has ${String(elements.length)} root elements`);
  }
  return root;
}

function unreadable(what: string, problem: string, cause?: unknown): MusterError {
  const message = `cannot read the ${what}: ${problem}`;
  return new MusterError("hypervisor-failed", message, cause === undefined ? {} : { cause });
}

function count(text: string, character: string): number {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found += 1;
  return found;
}

function firstElementAt(text: string): number {
  const at = text.search(/<[A-Za-z_]/);
  return at < 0 ? text.length : at;
}

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function nodesIn(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function elementsIn(value: unknown, what: string): readonly XmlElement[] {
  const elements: XmlElement[] = [];
  for (const node of nodesIn(value)) {
    const name = Object.keys(node).find((key) => key !== ATTRIBUTES && key !== TEXT);
    if (name !== undefined) elements.push(elementFrom(name, node, what));
  }
  return elements;
}

function elementFrom(name: string, node: Node, what: string): XmlElement {
  const attributes = new Map<string, string>();
  const rawAttributes = node[ATTRIBUTES];
  if (isNode(rawAttributes)) {
    for (const [key, value] of Object.entries(rawAttributes)) {
      attributes.set(key, decodeEntities(String(value), what));
    }
  }
  const inside = node[name];
  const text = nodesIn(inside)
    .map((child) => child[TEXT])
    .filter((value) => typeof value === "string")
    .join("");
  return {
    name,
    attributes,
    children: elementsIn(inside, what),
    text: decodeEntities(text, what),
  };
}

const namedEntities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function decodeEntities(text: string, what: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{1,8});/gi, (whole, body: string) => {
    const named = namedEntities[body];
    if (named !== undefined) return named;
    const code = body.startsWith("#x")
      ? Number.parseInt(body.slice(2), 16)
      : body.startsWith("#")
        ? Number.parseInt(body.slice(1), 10)
        : Number.NaN;
    if (Number.isNaN(code) || code > 0x10ffff) {
      throw unreadable(what, `it uses the unknown entity ${whole}`);
    }
    return String.fromCodePoint(code);
  });
}
