/** Images for people. PURE. */
import { renderSize } from "@muster/model";
import type { Image, ImageLocation, ImagePolicy } from "@muster/proto/images";
import type { HostView } from "../view/host.ts";
import { renderAge } from "../duration.ts";
import type { Paint } from "./style.ts";
import { field, renderFields, renderTable, type Cell } from "./table.ts";

export const imageName = ({ books }: Image): string =>
  books === undefined ? "" : `${books.name}:${books.version}`;

const shortDigest = (digest: string | undefined): string => digest?.slice(0, 12) ?? "";

function stateCell({ contents, operationId, refused }: Image): Cell {
  if (operationId !== "") return { text: operationId, tone: "busy" };
  if (contents === undefined) return { text: "unread", tone: "bad" };
  const [first] = refused;
  return first === undefined ? { text: "ready", tone: "good" } : { text: "refused", tone: "bad" };
}

export const renderImages = (images: readonly Image[], paint: Paint): string =>
  renderTable<Image>(
    [
      { title: "NAME", cell: imageName },
      { title: "CHANNEL", cell: ({ books }) => books?.channel ?? "" },
      { title: "STATE", cell: stateCell },
      { title: "FORMAT", cell: ({ contents }) => contents?.format ?? "" },
      {
        title: "DISK",
        align: "right",
        cell: ({ contents }) =>
          contents === undefined ? "" : renderSize(contents.virtualSizeBytes),
      },
      {
        title: "SIZE",
        align: "right",
        cell: ({ contents }) => (contents === undefined ? "" : renderSize(contents.sizeBytes)),
      },
      { title: "HOSTS", align: "right", cell: ({ hosts }) => String(hosts.length) },
      { title: "VMS", align: "right", cell: ({ vmCount }) => String(vmCount) },
      { title: "SHA256", cell: ({ contents }) => shortDigest(contents?.digest) },
    ],
    images,
    paint,
  );

const locationText = ({ host, urls, packing, repository }: ImageLocation): string => {
  if (host !== "") return `kept on ${host}`;
  const [first = ""] = urls;
  const parts = urls.length > 1 ? ` and ${String(urls.length - 1)} more parts` : "";
  const packed = packing === "none" || packing === "" ? "" : `, packed as ${packing}`;
  return `${first}${parts}${packed}${repository === "" ? "" : ` (repository ${repository})`}`;
};

export function renderImage(image: Image, now: Date, paint: Paint): string {
  const { books, contents, locations, signedBy, createdAt, createdBy, hosts, vmCount } = image;
  return renderFields(
    [
      field("image", { text: imageName(image), tone: "strong" }),
      field("state", stateCell(image)),
      ...image.refused.map((reason) => field("refused because", { text: reason, tone: "bad" })),
      field("channel", books?.channel ?? ""),
      field("deprecated", books?.deprecated ?? ""),
      field("valid until", books?.validUntil ?? ""),
      field("sha256", contents?.digest ?? ""),
      field("format", contents?.format ?? ""),
      field("disk", contents === undefined ? "" : renderSize(contents.virtualSizeBytes)),
      field("size", contents === undefined ? "" : renderSize(contents.sizeBytes)),
      field("system", [books?.os, books?.architecture].filter((each) => each !== "").join(" ")),
      field("endorser", books?.endorser ?? ""),
      field("signed with", signedBy),
      field("description", books?.description ?? ""),
      field("recipe", books?.recipe ?? ""),
      ...locations.map((location) => field("from", locationText(location))),
      field("in the cache of", hosts.join(", ")),
      field("VMs", String(vmCount)),
      field("added", `${createdAt} (${renderAge(createdAt, now)}) by ${createdBy}`),
    ],
    paint,
  );
}

export const renderImagePolicy = (policy: ImagePolicy, paint: Paint): string =>
  renderFields(
    [
      field("channels", policy.channels.join(", ")),
      field("endorsers", policy.endorsers.length === 0 ? "anybody" : policy.endorsers.join(", ")),
      field(
        "allowed",
        policy.allowed.length === 0 ? "all but the denied" : policy.allowed.join(" "),
      ),
      field("denied", policy.denied.length === 0 ? "none" : policy.denied.join(" ")),
      field("signature", policy.requireSignature ? "required" : "not required"),
      ...policy.trustedKeys.map(({ name, kind }) => field("trusted key", `${name} (${kind})`)),
    ],
    paint,
  );

/** A host's image cache; empty: it has none, or nothing in it. */
export function renderImageCache({ inventory }: HostView, now: Date, paint: Paint): string {
  const images = inventory?.images?.images ?? [];
  if (images.length === 0) return "";
  return renderTable(
    [
      { title: "SHA256", cell: ({ contents }) => shortDigest(contents?.digest) },
      { title: "FORMAT", cell: ({ contents }) => contents?.format ?? "" },
      {
        title: "SIZE",
        align: "right",
        cell: ({ contents }) => renderSize(contents?.sizeBytes ?? 0n),
      },
      { title: "DISKS", align: "right", cell: ({ uses }) => String(uses) },
      { title: "KEPT", cell: ({ kept }) => (kept ? "yes" : "") },
      { title: "USED", align: "right", cell: ({ lastUsedAt }) => renderAge(lastUsedAt, now) },
      { title: "PROBLEM", cell: ({ problem }) => ({ text: problem, tone: "bad" }) },
    ],
    images,
    paint,
  );
}
