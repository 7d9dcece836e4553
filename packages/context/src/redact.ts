/** A context as people may see it: everything but what is secret, of which its length is said. */
import type { CentralPolicy, Context } from "./context.ts";
import { bytesOf, textOfBytes } from "./bytes.ts";

const sealed = (bytes: number): string => `sealed, ${String(bytes)} bytes`;
const sealedText = (text: string): string => sealed(bytesOf(text).length);
const modeText = (mode: number): string => `0${mode.toString(8).padStart(3, "0")}`;

const policyShown = (policy: CentralPolicy): object =>
  policy.kind === "command"
    ? { kind: policy.kind, command: sealedText(policy.command) }
    : policy.kind === "ansible-pull"
      ? // There may be a password in it.
        { ...policy, url: policy.url.replace(/\/\/[^/@]*@/, "//") }
      : policy;

export function redactContext(context: Context): object {
  const { users, hostKeys, certificates, files, userData, timeoutMs, ...rest } = context;
  return {
    ...rest,
    users: users.map(({ passwordHash, ...user }) => ({
      ...user,
      ...(passwordHash === undefined ? {} : { passwordHash: sealedText(passwordHash) }),
    })),
    hostKeys: hostKeys.map(({ privateKey, ...key }) => ({
      ...key,
      privateKey: sealedText(privateKey),
    })),
    certificates: certificates.map(({ key, ...certificate }) => ({
      ...certificate,
      ...(key === undefined ? {} : { key: sealedText(key) }),
    })),
    files: files.map(({ path, mode, owner, content }) => ({
      ...{ path, owner },
      mode: modeText(mode),
      content: sealed(content.length),
    })),
    commands: context.commands.map(sealedText),
    values: Object.fromEntries(
      Object.entries(context.values).map(([name, value]) => [name, sealedText(value)]),
    ),
    policies: context.policies.map(policyShown),
    ...(userData === undefined ? {} : { userData: sealedText(userData) }),
    timeoutSeconds: Math.round(timeoutMs / 1_000),
  };
}

/** Shorter ones are words that a log may well have for other reasons. */
const SECRET_CHARACTERS_MIN = 6;

function* secretTexts(context: Context): Generator<string> {
  for (const { passwordHash } of context.users) yield passwordHash ?? "";
  for (const { privateKey } of context.hostKeys) yield privateKey;
  for (const { key } of context.certificates) yield key ?? "";
  yield* Object.values(context.values);
  for (const { content } of context.files) yield* textOfBytes(content).split("\n");
  for (const { privateKey } of context.hostKeys) yield* privateKey.split("\n");
}

/** Takes the context's secrets out of what a guest printed. */
export function hideSecrets(text: string, context: Context): string {
  const secrets = [...secretTexts(context)]
    .map((secret) => secret.trim())
    .filter((secret) => secret.length >= SECRET_CHARACTERS_MIN)
    .toSorted((left, right) => right.length - left.length);
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "(secret)"), text);
}
