/** Several parts as one MIME message, which is how cloud-init takes them. */
import type { Context, ContextSubject } from "../context.ts";
import { bytesOf, toBase64 } from "../bytes.ts";
import { renderCloudConfig } from "./cloud-config.ts";
import { renderFirstBoot } from "./first-boot.ts";

/** Every part is base64, which has no hyphens: it cannot end a part by accident. */
const BOUNDARY = "==muster-context==";

interface Part {
  readonly type: string;
  readonly name: string;
  readonly text: string;
}

const lineBroken = (base64: string): string => (base64.match(/.{1,76}/g) ?? []).join("\n");

const renderPart = ({ type, name, text }: Part): string =>
  [
    `--${BOUNDARY}`,
    `Content-Type: ${type}; charset="utf-8"`,
    "MIME-Version: 1.0",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment; filename="${name}"`,
    "",
    lineBroken(toBase64(bytesOf(text))),
    "",
  ].join("\n");

/** cloud-init tells what a person's own part is by how it begins. */
export function renderUserData(context: Context, subject: ContextSubject): string {
  const { userData } = context;
  const parts: readonly Part[] = [
    { type: "text/cloud-config", name: "10-muster", text: renderCloudConfig(context, subject) },
    ...(userData === undefined ? [] : [{ type: "text/plain", name: "50-own", text: userData }]),
    // Scripts run in the order of their names, so this one runs last.
    { type: "text/x-shellscript", name: "zz-muster-first-boot", text: renderFirstBoot(context) },
  ];
  return [
    `Content-Type: multipart/mixed; boundary="${BOUNDARY}"`,
    "MIME-Version: 1.0",
    "",
    ...parts.map(renderPart),
    `--${BOUNDARY}--`,
    "",
  ].join("\n");
}
