/** How operations on images are asked for in a simulated cluster, for `operation-harness.ts`. */
import type { ImageContents } from "@muster/model";
import { encodeNic } from "@muster/model/wire";
import { askAndWait, why, type Request, type Scene } from "./operation-request.ts";

const MIB = 1024n ** 2n;
export const IMAGE_URL = "https://images.example/debian.qcow2";
export const IMAGE = "debian:13";

const contents: ImageContents = {
  digest: "d".repeat(64),
  format: "qcow2",
  sizeBytes: 300n * MIB,
  virtualSizeBytes: 2048n * MIB,
};

const books = {
  name: "debian",
  version: "13",
  channel: "dev",
  os: "debian",
  architecture: "x86_64",
  endorser: "ops",
  recipe: "",
  description: "",
  validUntil: "",
  deprecated: "",
};

export async function addImage({ cluster }: Scene): Promise<string> {
  cluster.library.contents.set(IMAGE_URL, contents);
  const { operation } = await cluster.api.images.addImage(
    {
      books,
      location: { urls: [IMAGE_URL], packing: "none", packedSha256: "", repository: "", host: "" },
      expected: "",
      convertTo: "",
      signature: undefined,
      host: "h2",
      why,
    },
    cluster.api.context,
  );
  return operation?.id ?? "";
}

const before = (scene: Scene): Promise<void> => askAndWait(scene, addImage);

async function createVm({ cluster }: Scene): Promise<string> {
  const { operation } = await cluster.api.vms.createVm(
    {
      spec: {
        name: "new",
        cpus: 1,
        memoryBytes: 1024n * MIB,
        disks: [{ storage: "default", sizeBytes: 0n, baseVolume: "", image: "debian" }],
        nics: [encodeNic({ network: "blue" })],
        kernel: undefined,
        antiAffinityGroups: [],
        cpuModel: "",
        machineType: "",
        ha: undefined,
      },
      stopped: false,
      host: "h1",
      why,
    },
    cluster.api.context,
  );
  return operation?.id ?? "";
}

export const imageRequests: readonly Request[] = [
  { type: "image-add", steps: ["read"], ask: addImage },
  {
    type: "image-remove",
    steps: ["drop"],
    before: async (scene) => {
      await before(scene);
      // Until the host has reported it.
      await scene.cluster.clock.runFor(61_000);
    },
    ask: async ({ cluster }) => {
      const { operation } = await cluster.api.images.removeImage(
        { image: IMAGE, why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  {
    type: "image-prefetch",
    steps: ["fetch"],
    before,
    ask: async ({ cluster }) => {
      const { operation } = await cluster.api.images.prefetchImage(
        { image: "debian", hosts: [], why },
        cluster.api.context,
      );
      return operation?.id ?? "";
    },
  },
  { type: "vm-create", steps: ["fetch-image", "define", "start"], before, ask: createVm },
];
