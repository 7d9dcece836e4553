/** Seeds of VMs, and what their guests say. */
import type * as pb from "@muster/proto/dispatch";
import { invalid } from "../errors.ts";
import {
  guestStageNames,
  guestStageStates,
  type GuestReport,
  type GuestStage,
  type SeedContents,
} from "../link.ts";
import { decodeErrorDetail, encodeErrorDetail } from "./error-detail.ts";
import { fieldAt, readChoice, readCount, readLine, readList, readText } from "./fields.ts";
import { decodeVmId, encodeVmId } from "./vm-id.ts";

const FILES_MAX = 16;
const PATH_MAX = 200;
/** What a context may hold, written in every way at once, is far below this. */
const CONTENT_BYTES_MAX = 3 * 1_024 * 1_024;
/** Two stages begin and end, once each. */
const STAGES_MAX = 16;
const LOG_TAIL_MAX = 4_096;
const EXIT_CODE_MAX = 999;
/** One plain name after the other: a path cannot leave the disk. */
const PATH = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

export function decodeSeed(wire: pb.Seed, field: string): SeedContents {
  const at = (part: string): string => fieldAt(field, part);
  const vmId = decodeVmId(wire.uuid, at("uuid"));
  const files = readList(wire.files, { field: at("files"), max: FILES_MAX }, (file, path) => {
    const name = readLine(file.path, fieldAt(path, "path"), { min: 1, max: PATH_MAX });
    if (!PATH.test(name)) throw invalid(fieldAt(path, "path"), "is not a path on a seed");
    if (file.content.length > CONTENT_BYTES_MAX) {
      throw invalid(fieldAt(path, "content"), "is larger than a seed's file may be");
    }
    const mode = readCount(file.mode, fieldAt(path, "mode"), { max: 0o7777 });
    return { path: name, content: file.content, mode };
  });
  return {
    kind: "seed",
    vmId,
    label: readLine(wire.label, at("label"), { max: 32 }),
    files,
    ...(wire.error === undefined ? {} : { error: decodeErrorDetail(wire.error, at("error")) }),
  };
}

export const encodeSeed = ({ vmId, label, files, error }: SeedContents): pb.Seed => ({
  uuid: encodeVmId(vmId),
  label,
  files: files.map((file) => ({ ...file, content: Buffer.from(file.content) })),
  error: error === undefined ? undefined : encodeErrorDetail(error),
});

export function decodeGuestReport(wire: pb.GuestReport, field: string): GuestReport {
  const stages = { field: fieldAt(field, "stages"), max: STAGES_MAX };
  return {
    kind: "guest-report",
    vmId: decodeVmId(wire.uuid, fieldAt(field, "uuid")),
    stages: readList(wire.stages, stages, (stage, path): GuestStage => ({
      number: readCount(stage.number, fieldAt(path, "number"), { min: 1, max: STAGES_MAX }),
      stage: readChoice(stage.stage, fieldAt(path, "stage"), guestStageNames),
      state: readChoice(stage.state, fieldAt(path, "state"), guestStageStates),
      exitCode: readCount(stage.exitCode, fieldAt(path, "exitCode"), { max: EXIT_CODE_MAX }),
      logTail: readText(stage.logTail, fieldAt(path, "logTail"), { max: LOG_TAIL_MAX }),
    })),
  };
}

export const encodeGuestReport = ({ vmId, stages }: GuestReport): pb.GuestReport => ({
  uuid: encodeVmId(vmId),
  stages: stages.map((stage) => ({ ...stage })),
});
