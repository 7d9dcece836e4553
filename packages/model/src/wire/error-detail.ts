import type * as pb from "@muster/proto/types";
import { isErrorCode, type ErrorDetail } from "../errors.ts";
import { fieldAt, readList, readText, shortened } from "./fields.ts";

const LINE_MAX = 4096;
/** libvirt quotes the end of QEMU's own log in its errors. */
const CAUSE_MAX = 16_384;
/** A refusal may have several reasons for each of 2,500 hosts. */
const REASONS_MAX = 10_000;

/**
 * A code this program does not know comes from a newer one: the words matter more than the code, so it becomes
 * "internal" and is named in the message.
 */
export function decodeErrorDetail(wire: pb.ErrorDetail, field: string): ErrorDetail {
  const code = readText(wire.code, fieldAt(field, "code"), { min: 1, max: 64 });
  const message = readText(wire.message, fieldAt(field, "message"), { max: LINE_MAX });
  const reasons = { field: fieldAt(field, "reasons"), max: REASONS_MAX };
  const known = isErrorCode(code);
  return {
    code: known ? code : "internal",
    message: known ? message : `${message} (error code ${JSON.stringify(code)})`,
    cause: readText(wire.cause, fieldAt(field, "cause"), { max: CAUSE_MAX }),
    hint: readText(wire.hint, fieldAt(field, "hint"), { max: LINE_MAX }),
    reasons: readList(wire.reasons, reasons, (reason, at) =>
      readText(reason, at, { max: LINE_MAX }),
    ),
  };
}

/** Long texts are cut: a failure that cannot be told would be repeated for ever. */
export function encodeErrorDetail(detail: ErrorDetail): pb.ErrorDetail {
  return {
    code: detail.code,
    message: shortened(detail.message, LINE_MAX),
    cause: shortened(detail.cause, CAUSE_MAX),
    hint: shortened(detail.hint, LINE_MAX),
    reasons: detail.reasons.slice(0, REASONS_MAX).map((reason) => shortened(reason, LINE_MAX)),
  };
}
