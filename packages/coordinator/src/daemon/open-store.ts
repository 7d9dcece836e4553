/** The store that the configuration names. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MusterError } from "@muster/model";
import { systemClock, systemRandom } from "@muster/runtime";
import { lockDirectory } from "../store/directory-lock.ts";
import { EtcdStore } from "../store/etcd/etcd-store.ts";
import type { EtcdAccess } from "../store/etcd/etcd-client.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { CoordinatorConfig, EtcdConfig } from "./config.ts";

/** In the data directory, when the store is sqlite. */
export const SQLITE_FILE = "state.sqlite";

/** The data directory exists. Nobody else may work in it, whatever the store. */
export async function openStore(
  config: Pick<CoordinatorConfig, "dataDirectory" | "store">,
  stack: AsyncDisposableStack,
): Promise<Store> {
  const { dataDirectory, store } = config;
  stack.use(lockDirectory(dataDirectory));
  if (store.kind === "sqlite") return stack.use(SqliteStore.open(join(dataDirectory, SQLITE_FILE)));
  return stack.use(await openEtcd(store));
}

export async function openEtcd(config: EtcdConfig): Promise<EtcdStore> {
  return new EtcdStore({
    access: await accessOf(config),
    prefix: config.prefix,
    leaseMs: config.leaseMs,
    clock: systemClock,
    random: systemRandom,
  });
}

async function accessOf(config: EtcdConfig): Promise<EtcdAccess> {
  const { endpoints, authorityFile, certificateFile, keyFile, user, passwordFile } = config;
  const tls =
    authorityFile === undefined
      ? {}
      : {
          tls: {
            authority: await fileOf("etcd.authority-file", authorityFile),
            ...(certificateFile === undefined
              ? {}
              : { certificate: await fileOf("etcd.certificate-file", certificateFile) }),
            ...(keyFile === undefined ? {} : { key: await fileOf("etcd.key-file", keyFile) }),
          },
        };
  const password =
    passwordFile === undefined ? "" : await fileOf("etcd.password-file", passwordFile);
  const login = user === undefined ? {} : { user: { name: user, password: password.trim() } };
  return { endpoints, ...tls, ...login };
}

async function fileOf(field: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new MusterError("invalid", `${field}: cannot read ${path}`, { cause });
  }
}
