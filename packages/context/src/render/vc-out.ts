/**
 * vc-out.xml: what a virtual cluster's frontend and computes are told about themselves and each other, in the form of
 * 2017-09 and later ("current"), and in the one before it ("old"). Attributes are in alphabetical order, as in the
 * original; guests compare nothing but some are line-oriented.
 */

import { invalid } from "@muster/model";

export type VcOutForm = "current" | "old";

export interface VcInterface {
  /** "private", "public", or the name of a further network. */
  readonly network: string;
  readonly ip: string;
  /** Lower case: guests look for it in what `ip link` prints. */
  readonly mac: string;
  readonly mtu: number;
  readonly netmask: string;
  readonly subnet: string;
}

export interface VcFrontend {
  readonly name: string;
  readonly fqdn: string;
  readonly gateway: string;
  readonly interfaces: readonly VcInterface[];
}

export interface VcCompute {
  readonly name: string;
  readonly cpus: number;
  readonly gateway: string;
  readonly interfaces: readonly VcInterface[];
}

export interface VcOut {
  readonly frontend: VcFrontend;
  readonly computes: readonly VcCompute[];
  /** Comma separated where there are several. */
  readonly dns: { readonly domain: string; readonly ip: string; readonly search: string };
  /** One public key, or several lines of them. */
  readonly key: string;
}

interface Element {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly children?: readonly Element[];
  readonly text?: string;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};

const escapeAttribute = (text: string): string =>
  text.replaceAll(/[&<>"\n\r\t]/g, (character) => entities[character] ?? character);
const escapeText = (text: string): string =>
  text.replaceAll(/[&<>\r]/g, (character) => entities[character] ?? character);

function renderElement(element: Element, depth: number): string {
  const indent = "  ".repeat(depth);
  const attributes = Object.entries(element.attributes ?? {})
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => ` ${name}="${escapeAttribute(String(value))}"`)
    .join("");
  const open = `${indent}<${element.name}${attributes}`;
  if (element.text !== undefined) {
    return `${open}>${escapeText(element.text)}</${element.name}>\n`;
  }
  const children = (element.children ?? []).map((child) => renderElement(child, depth + 1));
  if (children.length === 0) return `${open}/>\n`;
  return `${open}>\n${children.join("")}${indent}</${element.name}>\n`;
}

const document = (children: readonly Element[]): string =>
  `<?xml version="1.0" ?>\n${renderElement({ name: "vc", children }, 0)}`;

/** Names of networks become names of elements. */
const ELEMENT_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

function interfaceElement({ network, ...attributes }: VcInterface): Element {
  if (ELEMENT_NAME.test(network)) return { name: network, attributes: { ...attributes } };
  throw invalid("network", `${JSON.stringify(network)} cannot be a name in vc-out.xml`);
}

const tail = ({ dns, key }: VcOut): readonly Element[] => [
  { name: "network", children: [{ name: "dns", attributes: dns }] },
  { name: "key", text: key },
];

function privateOf(member: VcFrontend | VcCompute): VcInterface {
  const found = member.interfaces.find(({ network }) => network === "private");
  if (found === undefined) throw invalid(member.name, "has no private interface");
  return found;
}

function oldFrontend({ name, fqdn, gateway, interfaces }: VcFrontend): Element {
  const children = interfaces.flatMap(({ network, ip, mac, netmask }) => {
    if (network === "public") {
      return [{ name: network, attributes: { fqdn, gw: gateway, ip, mac, name, netmask } }];
    }
    // The old form has no further networks.
    return network === "private" ? [{ name: network, attributes: { ip, mac, netmask } }] : [];
  });
  return { name: "frontend", children };
}

export function renderFrontendVcOut(cluster: VcOut, form: VcOutForm): string {
  const { frontend, computes } = cluster;
  const count = computes.length;
  if (form === "old") {
    const nodes = computes.map((compute): Element => {
      const { ip, mac } = privateOf(compute);
      return { name: "node", attributes: { name: compute.name, mac, ip, cpus: compute.cpus } };
    });
    return document([
      oldFrontend(frontend),
      { name: "compute", attributes: { count }, children: nodes },
      ...tail(cluster),
    ]);
  }
  const { name, fqdn, gateway, interfaces } = frontend;
  return document([
    {
      name: "frontend",
      attributes: { fqdn, gw: gateway, name },
      children: interfaces.map(interfaceElement),
    },
    {
      name: "compute",
      attributes: { count },
      children: computes.map((compute) => ({
        name: "node",
        attributes: { cpus: compute.cpus, gw: compute.gateway, name: compute.name },
        children: compute.interfaces.map(interfaceElement),
      })),
    },
    ...tail(cluster),
  ]);
}

export function renderComputeVcOut(cluster: VcOut, compute: VcCompute, form: VcOutForm): string {
  const { fqdn } = cluster.frontend;
  if (form === "old") {
    const { ip, mac, netmask } = privateOf(compute);
    const attributes = { fqdn: compute.name, gw: compute.gateway, ip, mac, netmask };
    return document([
      { name: "frontend", children: [{ name: "public", attributes: { fqdn } }] },
      { name: "compute", children: [{ name: "private", attributes }] },
      ...tail(cluster),
    ]);
  }
  return document([
    { name: "frontend", attributes: { fqdn } },
    {
      name: "compute",
      attributes: { gw: compute.gateway, name: compute.name },
      children: compute.interfaces.map(interfaceElement),
    },
    ...tail(cluster),
  ]);
}
