/** `muster image policy …`: which images VMs may be made of. */
import { readFile } from "node:fs/promises";
import { invalid, MusterError, parseDigest, parseWord } from "@muster/model";
import { AdminService } from "@muster/proto/admin";
import type { ImagePolicy, TrustedKey } from "@muster/proto/images";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { renderImagePolicy } from "../render/image.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { required } from "../view/required.ts";
import { showDryRun } from "./finish-operation.ts";
import { addChangeFlags, example, repeated } from "./flags.ts";
import type { Run } from "./run.ts";

interface SetOptions extends ChangeOptions {
  readonly channel?: readonly string[];
  readonly endorser?: readonly string[];
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly requireSignature?: boolean;
  readonly key?: readonly string[];
  readonly removeKey?: readonly string[];
}

const text = (value: string): string => value;

export function addImagePolicyCommands(image: Command, run: Run): void {
  const policy = image.command("policy").description("which images VMs may be made of");
  policy
    .command("show")
    .description("channels, endorsers, lists and trusted keys")
    .addHelpText("after", example("muster image policy show"))
    .action((_options, command: Command) => run(command, showPolicy));
  addChangeFlags(policy.command("set"))
    .description("change it; what is not given stays. VMs there are run on")
    .option(
      "--channel <dev|prod>",
      "allowed channels, all of them; repeat for both",
      repeated(text),
    )
    .option("--endorser <name|any>", "who may vouch, all of them; repeat for more", repeated(text))
    .option(
      "--allow <sha256|any>",
      "the only contents that are allowed, all of them; repeat",
      repeated(text),
    )
    .option("--deny <sha256|none>", "contents that are not, all of them; repeat", repeated(text))
    .option("--require-signature", "only images with a good signature of a trusted key")
    .option("--no-require-signature", "others too")
    .option(
      "--key <name=file>",
      "trust this minisign or armoured OpenPGP key; repeat",
      repeated(text),
    )
    .option("--remove-key <name>", "trust it no more; repeat", repeated(text))
    .addHelpText(
      "after",
      example(
        "muster image policy set --channel prod --endorser ops@example.org",
        "muster image policy set --key build=build.pub --require-signature",
      ),
    )
    .action((options: SetOptions, command: Command) =>
      run(command, (session) => setPolicy(session, options)),
    );
}

async function currentPolicy(session: Session): Promise<ImagePolicy> {
  const { policy } = await session.admin.call(AdminService.getImagePolicy, {
    doing: "show the image policy",
    request: {},
  });
  return required(policy, "policy");
}

async function showPolicy(session: Session): Promise<ExitCode> {
  const policy = await currentPolicy(session);
  session.output.show({
    data: policy,
    names: policy.channels,
    table: (paint) => renderImagePolicy(policy, paint),
  });
  return exitCodes.ok;
}

/** A word alone empties the list. */
const listOf = (
  given: readonly string[] | undefined,
  before: readonly string[],
  nothing: string,
): string[] => (given === undefined ? [...before] : given.filter((each) => each !== nothing));

async function readKey(given: string): Promise<TrustedKey> {
  const at = given.indexOf("=");
  if (at < 0) throw invalid("--key", `"${given}" is not NAME=FILE`);
  const path = given.slice(at + 1);
  const publicKey = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new MusterError("invalid", `--key: cannot read ${path}`, { cause });
  });
  const kind = publicKey.includes("BEGIN PGP PUBLIC KEY BLOCK") ? "gpg" : "minisign";
  return { name: parseWord(given.slice(0, at), "--key"), kind, publicKey };
}

async function setPolicy(session: Session, options: SetOptions): Promise<ExitCode> {
  const before = await currentPolicy(session);
  const keys = await Promise.all((options.key ?? []).map(readKey));
  const gone = new Set([...(options.removeKey ?? []), ...keys.map(({ name }) => name)]);
  const wanted: ImagePolicy = {
    channels: listOf(options.channel, before.channels, ""),
    endorsers: listOf(options.endorser, before.endorsers, "any"),
    allowed: listOf(options.allow, before.allowed, "any").map((digest) =>
      parseDigest(digest, "--allow"),
    ),
    denied: listOf(options.deny, before.denied, "none").map((digest) =>
      parseDigest(digest, "--deny"),
    ),
    requireSignature: options.requireSignature ?? before.requireSignature,
    trustedKeys: [...before.trustedKeys.filter(({ name }) => !gone.has(name)), ...keys],
  };
  const answer = await callChange(session, AdminService.setImagePolicy, {
    doing: "set the image policy",
    request: { policy: wanted, why: whyOf(options, session) },
  });
  const policy = required(answer.policy, "policy");
  const { refused } = answer;
  const lines = refused.map((line) => `no VM may be made of ${line}`);
  if (options.dryRun === true) return showDryRun(session, lines, { policy, refused });
  session.output.show({
    data: { policy, refused },
    names: policy.channels,
    table: (paint) =>
      [renderImagePolicy(policy, paint), ...lines.map((line) => `${line}\n`)].join(""),
  });
  return exitCodes.ok;
}
