/** What hands the guest over to a site's configuration management. */
import { invalid } from "@muster/model";
import type { CentralPolicy } from "../context.ts";
import { checkText, ContextFields } from "./fields.ts";

const HOST = /^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$/;
const URL_TEXT = /^(https?|ssh|git|file):\/\/[!-~]+$|^[a-z_][a-z0-9_-]*@[A-Za-z0-9.-]+:[!-~]+$/;
const WORD = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}$/;
const kinds = ["cfengine", "puppet", "ansiblePull", "command"] as const;

const host = { pattern: HOST, what: "a host name or address" };
const word = { pattern: WORD, what: "a plain word" };

/** One field names the kind, its value holds the rest: `- puppet: {server: puppet.example.org}`. */
export function parsePolicy(value: unknown, path: string): CentralPolicy {
  const outer = new ContextFields(value, path, kinds);
  const given = kinds.filter((kind) => outer.has(kind));
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    throw invalid(path, "must be exactly one policy", `one of ${kinds.join(", ")}`);
  }
  const inner: unknown = (value as Readonly<Record<string, unknown>>)[kind];
  const at = outer.at(kind);
  switch (kind) {
    case "cfengine": {
      const fields = new ContextFields(inner, at, ["hub"]);
      return { kind, hub: fields.requiredText("hub", host) };
    }
    case "puppet": {
      const fields = new ContextFields(inner, at, ["server", "environment"]);
      const environment = fields.text("environment", word);
      const server = fields.requiredText("server", host);
      return { kind, server, ...(environment === undefined ? {} : { environment }) };
    }
    case "ansiblePull": {
      const fields = new ContextFields(inner, at, ["url", "playbook", "branch"]);
      const branch = fields.text("branch", word);
      return {
        kind: "ansible-pull",
        url: fields.requiredText("url", { pattern: URL_TEXT, what: "the URL of a repository" }),
        playbook: fields.text("playbook", word) ?? "local.yml",
        ...(branch === undefined ? {} : { branch }),
      };
    }
    case "command":
      return { kind, command: checkText(inner, at, { max: 32_768, lines: true }) };
  }
}
