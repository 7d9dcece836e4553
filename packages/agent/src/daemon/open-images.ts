/** The image cache of a real host, and what gives its images to other hosts. */
import { isMusterError } from "@muster/model";
import { systemClock, type Logger } from "@muster/runtime";
import type { Agent } from "../agent.ts";
import { serverIdentityOf } from "../enrolment/identity.ts";
import { FileImageCache } from "../images/file-image-cache.ts";
import { serveImages } from "../images/image-server.ts";
import type { AgentConfig } from "./config.ts";
import type { IdentityKeeper } from "./identity-keeper.ts";

export interface Images {
  readonly cache: FileImageCache;
  /** The cache is there first; who reports what is in it comes later. */
  show(agent: Agent): void;
}

export async function openImages(parts: {
  readonly config: AgentConfig;
  readonly identity: IdentityKeeper;
  readonly log: Logger;
  readonly stack: AsyncDisposableStack;
}): Promise<Images> {
  const { config, identity, log, stack } = parts;
  const { directory, maxBytes, ageMaxMs, host, port } = config.images;
  let shown: Agent | undefined;
  const cache = await FileImageCache.open({
    directory,
    maxBytes,
    ageMaxMs,
    trust: () => identity.current,
    clock: systemClock,
    log,
    changed: () => shown?.reportSoon(),
  });
  if (host !== "") {
    try {
      const server = stack.use(
        await serveImages({ cache, host, port, identity: serverIdentityOf(identity.current), log }),
      );
      identity.onRenewed((renewed) => {
        server.useIdentity(serverIdentityOf(renewed));
      });
      cache.servedAt(advertised(config, identity, server.port));
    } catch (error) {
      if (!isMusterError(error)) throw error;
      // VMs matter more: other hosts fetch from elsewhere.
      log.error({ err: error }, "this host gives no images to other hosts");
    }
  }
  return {
    cache,
    show: (agent) => {
      shown = agent;
      agent.reportSoon();
    },
  };
}

function advertised(
  { images, migrationAddress }: AgentConfig,
  identity: IdentityKeeper,
  port: number,
): string {
  if (images.advertise !== "") return images.advertise;
  const name = migrationAddress === "" ? identity.current.hostName : migrationAddress;
  return `${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${String(port)}`;
}
