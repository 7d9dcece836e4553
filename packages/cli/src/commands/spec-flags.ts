/** The flags that describe a VM, for `vm create` and `explain vm`. */
import { readFile } from "node:fs/promises";
import { MusterError, parseSize } from "@muster/model";
import type { Command } from "commander";
import { parseNetworkFlag } from "../spec/nic.ts";
import type { PartialVmSpec } from "../spec/partial-spec.ts";
import { parseSpecFile, SPEC_FILE_BYTES_MAX } from "../spec/spec-file.ts";
import { parseDiskFlag } from "../spec/spec-flags.ts";
import { parseHaFlag } from "../spec/ha-flag.ts";
import type { Keyboard } from "../surroundings.ts";
import { countOf, repeated } from "./flags.ts";

export const addSpecFlags = (command: Command): Command =>
  command
    .option("--cpus <n>", "virtual CPUs (default: 1)", countOf("--cpus"))
    .option("--memory <size>", "memory the guest sees: 512M, 4G", (text) =>
      parseSize(text, "--memory"),
    )
    .option(
      "--disk <storage=NAME,size=SIZE[,base=VOLUME|image=IMAGE[,mode=overlay|copy|preallocated]]>",
      "a disk; with an image its size may be left out; repeat for more",
      repeated(parseDiskFlag),
    )
    .option(
      "--network <NAME[,mac=MAC][,address=IP|none]...>",
      "a NIC; further parts: trunk, model, in, out, guard, boot, link; repeat for more",
      repeated(parseNetworkFlag),
    )
    .option("--kernel <path>", "boot this kernel directly (path on the host)")
    .option("--initrd <path>", "initial ramdisk for --kernel")
    .option("--cmdline <text>", "kernel command line for --kernel")
    .option(
      "--anti-affinity <group>",
      "never on a host with another VM of this group; repeat for more",
      repeated((text) => text),
    )
    .option("--cpu-model <model>", "CPU model the guest sees (default: the host's choice)")
    .option("--machine <type>", "machine type (default: the host's)")
    .option(
      "--ha <restart=...|none>",
      "what the cluster does by itself: restart=on-failure,priority=200,restarts=3,window=1h,isolation=run,autostart=yes",
      parseHaFlag,
    )
    .option("-f, --file <path>", "a spec in YAML or JSON, - for stdin; flags win over it");

/** Reads and parses `-f`. Throws `invalid` when the file cannot be read or is wrong. */
export async function loadSpecFile(path: string, stdin: Keyboard): Promise<PartialVmSpec> {
  const { text, source } = await readTextFile(path, stdin);
  return parseSpecFile(text, source);
}

/** `path`: "-" for stdin. `source` names it in messages. Throws `invalid` when it cannot be read. */
export async function readTextFile(
  path: string,
  stdin: Keyboard,
): Promise<{ readonly text: string; readonly source: string }> {
  if (path === "-") return { text: await readAll(stdin), source: "stdin" };
  try {
    return { text: await readFile(path, "utf8"), source: path };
  } catch (cause) {
    throw new MusterError("invalid", `cannot read ${path}`, { cause });
  }
}

async function readAll(stdin: Keyboard): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    // The parser refuses it by size; there is no need to read the rest.
    if (bytes > SPEC_FILE_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
