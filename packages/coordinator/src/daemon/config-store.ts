/** The part of the configuration that says where things are stored, and where the authority's key is. */
import { join } from "node:path";
import { invalid } from "@muster/model";
import type { Fields } from "@muster/runtime";
import type { AuthorityPlace } from "../authority/shared-authority.ts";

export interface EtcdConfig {
  readonly kind: "etcd";
  readonly endpoints: readonly string[];
  /** Clusters that share one etcd differ in it. */
  readonly prefix: string;
  readonly leaseMs: number;
  readonly authorityFile?: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

export type StoreConfig = { readonly kind: "sqlite" } | EtcdConfig;

const SECOND_MS = 1_000;

const endpoint = (text: string, field: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.port === "") {
    throw invalid(field, `"${text}" is not an endpoint`, "write https://HOST:2379");
  }
  const isHere = /^(localhost|127\..*|\[::1\])$/.test(url.hostname);
  if (url.protocol === "http:" && !isHere) {
    throw invalid(field, "is in the clear and not on this machine", "use https and authority-file");
  }
  return `${url.protocol}//${url.host}`;
};

export function readStore(fields: Fields): StoreConfig {
  const kind = fields.choice("store", ["sqlite", "etcd"], { default: "sqlite" });
  const etcd = fields.section("etcd", (section) => ({
    endpoints: section.textList("endpoints", { default: [], check: endpoint }),
    prefix: section.text("prefix", { default: "/muster/" }),
    // Shorter, and a busy disk under etcd costs the leader its term; longer, and nothing can be changed for longer when one dies.
    leaseMs: section.durationMs("lease", {
      min: 2 * SECOND_MS,
      max: 60 * SECOND_MS,
      default: 5 * SECOND_MS,
    }),
    authorityFile: section.optionalText("authority-file"),
    certificateFile: section.optionalText("certificate-file"),
    keyFile: section.optionalText("key-file"),
    user: section.optionalText("user"),
    passwordFile: section.optionalText("password-file"),
  }));
  if (kind === "sqlite") return { kind };
  return {
    kind,
    endpoints: etcd.endpoints,
    prefix: etcd.prefix,
    leaseMs: etcd.leaseMs,
    ...given("authorityFile", etcd.authorityFile),
    ...given("certificateFile", etcd.certificateFile),
    ...given("keyFile", etcd.keyFile),
    ...given("user", etcd.user),
    ...given("passwordFile", etcd.passwordFile),
  };
}

/** What no single field can tell. Throws `invalid`. */
export function checkStore(store: StoreConfig): void {
  if (store.kind === "sqlite") return;
  if (store.endpoints.length === 0) {
    throw invalid(
      "etcd.endpoints",
      "is needed with store: etcd",
      "write a list of https://HOST:2379",
    );
  }
  const isSecure = store.endpoints.some((text) => text.startsWith("https:"));
  if (isSecure && store.authorityFile === undefined) {
    throw invalid("etcd.authority-file", "is needed for https endpoints");
  }
  if ((store.certificateFile === undefined) !== (store.keyFile === undefined)) {
    throw invalid("etcd.certificate-file", "and key-file go together");
  }
  if ((store.user === undefined) !== (store.passwordFile === undefined)) {
    throw invalid("etcd.user", "and password-file go together");
  }
}

export function readAuthorityPlace(
  fields: Fields,
  defaults: { readonly store: StoreConfig; readonly dataDirectory: string },
): AuthorityPlace {
  const { store, dataDirectory } = defaults;
  const kind = fields.choice("authority", ["directory", "store"], {
    default: store.kind === "etcd" ? "store" : "directory",
  });
  const sealFile = fields.text("seal-file", { default: join(dataDirectory, "authority.seal") });
  return kind === "store" ? { kind, sealFile } : { kind };
}

const given = <Name extends string>(
  name: Name,
  value: string | undefined,
): Partial<Record<Name, string>> =>
  value === undefined ? {} : ({ [name]: value } as Record<Name, string>);
