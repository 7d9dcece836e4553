/** `muster image …`: what VMs are made of. */
import { readFile } from "node:fs/promises";
import { invalid, MusterError } from "@muster/model";
import { AdminService, type SetImageRequest } from "@muster/proto/admin";
import type { Image } from "@muster/proto/images";
import type { Command } from "commander";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { imageName, renderImage, renderImages } from "../render/image.ts";
import { renderLines } from "../render/operation.ts";
import { callChange, whyOf, type ChangeOptions, type Session } from "../session.ts";
import { booksOfFlags, locationOfFlags, type ImageFlags } from "../spec/image-flags.ts";
import { required } from "../view/required.ts";
import type { WaitOptions } from "../wait/wait-for-operation.ts";
import { finishOperation, showDryRun } from "./finish-operation.ts";
import { addChangeFlags, addWaitFlags, example, repeated } from "./flags.ts";
import { addImagePolicyCommands } from "./image-policy.ts";
import type { Run } from "./run.ts";

interface AddOptions extends ImageFlags, ChangeOptions, WaitOptions {
  readonly host?: string;
  readonly convert?: string;
  readonly signature?: string;
  readonly key?: string;
}

const text = (value: string): string => value;

export function addImageCommands(program: Command, run: Run): void {
  const image = program.command("image").description("images: what VMs are made of");
  addImageAdd(image, run);
  image
    .command("ls")
    .argument("[image]", "only this one: NAME, NAME:VERSION or a sha256")
    .description("list images")
    .addHelpText("after", example("muster image ls", "muster image ls debian-13 -o json"))
    .action((name: string | undefined, _options, command: Command) =>
      run(command, (session) => listImages(session, name ?? "")),
    );
  image
    .command("show")
    .argument("<image>", "NAME:VERSION, a name with one version, or a sha256")
    .description("everything that is known of an image")
    .addHelpText("after", example("muster image show debian-13:2026.11"))
    .action((name: string, _options, command: Command) =>
      run(command, (session) => showImages(session, name)),
    );
  addImageChanges(image, run);
  addImagePrefetch(image, run);
  addWaitFlags(addChangeFlags(image.command("rm")))
    .argument("<image>", "NAME:VERSION")
    .description(
      "forget an image and take it from every host; refused while a VM has a disk made of it",
    )
    .addHelpText("after", example("muster image rm debian-12:2025.3"))
    .action((name: string, options: ChangeOptions & WaitOptions, command: Command) =>
      run(command, (session) => removeImage(session, name, options)),
    );
  addImagePolicyCommands(image, run);
}

function addImageAdd(image: Command, run: Run): void {
  addWaitFlags(addChangeFlags(image.command("add")))
    .argument(
      "<name:version>",
      "its name in the books; contents never change, so another version is another entry",
    )
    .description(
      "take an image into the books: a host reads it, judges it, names it by its sha256 and caches it",
    )
    .option(
      "--from <url>",
      "http, https or file URL, or a path on --host; repeat for the parts of a split file, in order",
      repeated(text),
    )
    .option("--host <host>", "the host that reads it (default: the one with the most room)")
    .option("--packing <none|gz|xz|zst>", "how it is packed (default: as its name ends)")
    .option("--checksum <sha256>", "of the file as it lies there, packed and joined")
    .option("--sha256 <sha256>", "of the unpacked contents")
    .option(
      "--convert <raw|qcow2>",
      "keep it in this format; the host that reads it then keeps the only copy",
    )
    .option("--signature <file>", "a detached signature by minisign or gpg")
    .option("--key <name>", "the trusted key that made it: muster image policy show")
    .option("--channel <dev|prod>", "where it begins (default: dev)")
    .option("--os <name>", "operating system")
    .option("--arch <name>", "processor architecture")
    .option("--endorser <name>", "who vouches for it (default: you)")
    .option("--recipe <text>", "what it was made from")
    .option("--description <text>", "for people")
    .option("--valid-until <time>", "after that no VM is made of it: 2027-06-30")
    .addHelpText(
      "after",
      example(
        "muster image add debian-13:2026.11 --from https://images.example/debian-13.qcow2.xz --checksum 9f86d0…",
        "muster image add golden:1 --from /srv/images/golden.raw --host h1 --channel prod",
      ),
    )
    .action((name: string, options: AddOptions, command: Command) =>
      run(command, (session) => addImage(session, name, options)),
    );
}

function addImageChanges(image: Command, run: Run): void {
  addChangeFlags(image.command("promote"))
    .argument("<image>", "NAME:VERSION")
    .option("--channel <dev|prod>", "where to (default: prod)")
    .description("move an image from channel dev to prod, or back")
    .addHelpText("after", example("muster image promote debian-13:2026.11"))
    .action((name: string, options: ChangeOptions & { channel?: string }, command: Command) =>
      run(command, (session) =>
        setImage(session, name, options, { channel: options.channel ?? "prod" }),
      ),
    );
  addChangeFlags(image.command("deprecate"))
    .argument("<image>", "NAME:VERSION")
    .option("--undo", "VMs may be made of it again")
    .description("no new VM is made of it; those there are run on. Give --reason")
    .addHelpText(
      "after",
      example('muster image deprecate debian-12:2025.3 --reason "use debian-13"'),
    )
    .action((name: string, options: ChangeOptions & { undo?: boolean }, command: Command) =>
      run(command, (session) => {
        if (options.undo === true) return setImage(session, name, options, { deprecated: "" });
        if (options.reason === undefined)
          throw invalid("--reason", "is required", "people will be told it");
        return setImage(session, name, options, { deprecated: options.reason });
      }),
    );
  addChangeFlags(image.command("set"))
    .argument("<image>", "NAME:VERSION")
    .option("--valid-until <time|never>", "after that no VM is made of it")
    .option("--description <text>", "for people")
    .description("change what is said of an image")
    .addHelpText("after", example("muster image set debian-13:2026.11 --valid-until 2027-06-30"))
    .action(
      (
        name: string,
        options: ChangeOptions & { validUntil?: string; description?: string },
        command: Command,
      ) =>
        run(command, (session) => {
          const { validUntil, description } = options;
          return setImage(session, name, options, {
            ...(validUntil === undefined
              ? {}
              : { validUntil: validUntil === "never" ? "" : validUntil }),
            ...(description === undefined ? {} : { description }),
          });
        }),
    );
}

function addImagePrefetch(image: Command, run: Run): void {
  addWaitFlags(addChangeFlags(image.command("prefetch")))
    .argument("<image>", "NAME, NAME:VERSION or a sha256")
    .option(
      "--host <host>",
      "only there; repeat for more (default: every host that is online)",
      repeated(text),
    )
    .description("have hosts fetch an image before it is needed")
    .addHelpText(
      "after",
      example(
        "muster image prefetch debian-13",
        "muster image prefetch debian-13 --host h1 --host h2",
      ),
    )
    .action(
      (
        name: string,
        options: ChangeOptions & WaitOptions & { host?: readonly string[] },
        command: Command,
      ) => run(command, (session) => prefetchImage(session, name, options)),
    );
}

async function signatureOf({ signature, key }: AddOptions) {
  if (signature === undefined && key === undefined) return undefined;
  if (signature === undefined || key === undefined) {
    throw invalid("--signature", "needs --key, and --key needs --signature");
  }
  const content = await readSmallFile(signature, "--signature");
  const kind = content.startsWith("untrusted comment:") ? "minisign" : "gpg";
  return { kind, signature: content, key, publicKey: "" };
}

export async function readSmallFile(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new MusterError("invalid", `${flag}: cannot read ${path}`, { cause });
  }
}

async function addImage(session: Session, name: string, options: AddOptions): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.addImage, {
    doing: `add image ${name}`,
    request: {
      books: booksOfFlags(name, options),
      location: locationOfFlags(options),
      expected: options.sha256 ?? "",
      convertTo: options.convert ?? "",
      signature: await signatureOf(options),
      host: options.host ?? "",
      why: whyOf(options, session),
    },
  });
  if (options.dryRun === true) {
    return showDryRun(session, [`would add image ${name}`], { image: answer.image });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    outcome: async () => {
      const image = await oneImage(session, name);
      const digest = image.contents?.digest ?? "";
      return { sentence: `image ${name} is sha256 ${digest}`, data: { image } };
    },
  });
}

async function imagesNamed(session: Session, image: string): Promise<readonly Image[]> {
  const { images } = await session.admin.call(AdminService.listImages, {
    doing: image === "" ? "list images" : `show image ${image}`,
    request: { image },
  });
  return images;
}

async function oneImage(session: Session, name: string): Promise<Image> {
  const [image] = await imagesNamed(session, name);
  return required(image, "image");
}

async function listImages(session: Session, name: string): Promise<ExitCode> {
  const images = await imagesNamed(session, name);
  session.output.show({
    data: images,
    names: images.map(imageName),
    table: (paint) => renderImages(images, paint),
  });
  return exitCodes.ok;
}

async function showImages(session: Session, name: string): Promise<ExitCode> {
  const { output, surroundings } = session;
  const images = await imagesNamed(session, name);
  const now = surroundings.clock.wall();
  output.show({
    data: images.length === 1 ? images[0] : images,
    names: images.map(imageName),
    table: (paint) => images.map((image) => renderImage(image, now, paint)).join("\n"),
  });
  return exitCodes.ok;
}

async function setImage(
  session: Session,
  name: string,
  options: ChangeOptions,
  change: Pick<SetImageRequest, "channel" | "deprecated" | "validUntil" | "description">,
): Promise<ExitCode> {
  const { image } = await callChange(session, AdminService.setImage, {
    doing: `change image ${name}`,
    request: { image: name, ...change, why: whyOf(options, session) },
  });
  const after = required(image, "image");
  const { channel = "", deprecated = "", validUntil = "" } = after.books ?? {};
  const said = [
    `channel ${channel}`,
    ...(deprecated === "" ? [] : [`deprecated: ${deprecated}`]),
    ...(validUntil === "" ? [] : [`valid until ${validUntil}`]),
  ].join(", ");
  const line = `${imageName(after)}: ${said}`;
  if (options.dryRun === true) return showDryRun(session, [`would be ${line}`], { image: after });
  session.output.show({ data: after, names: [imageName(after)], table: () => renderLines([line]) });
  return exitCodes.ok;
}

async function prefetchImage(
  session: Session,
  name: string,
  options: ChangeOptions & WaitOptions & { readonly host?: readonly string[] },
): Promise<ExitCode> {
  const answer = await callChange(session, AdminService.prefetchImage, {
    doing: `prefetch image ${name}`,
    request: { image: name, hosts: [...(options.host ?? [])], why: whyOf(options, session) },
  });
  const { hosts } = answer;
  if (options.dryRun === true) {
    return showDryRun(session, [`would fetch ${name} to ${hosts.join(", ")}`], { hosts });
  }
  return finishOperation(session, {
    operation: answer.operation,
    options,
    data: { hosts },
    outcome: async () => ({ sentence: `${name} is on ${hosts.join(", ")}`, data: {} }),
  });
}

async function removeImage(
  session: Session,
  name: string,
  options: ChangeOptions & WaitOptions,
): Promise<ExitCode> {
  const { operation } = await callChange(session, AdminService.removeImage, {
    doing: `remove image ${name}`,
    request: { image: name, why: whyOf(options, session) },
  });
  if (options.dryRun === true) return showDryRun(session, [`would remove image ${name}`], { name });
  return finishOperation(session, {
    operation,
    options,
    outcome: async () => ({ sentence: `image ${name} is gone`, data: {} }),
  });
}
