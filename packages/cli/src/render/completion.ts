/** The bash completion script, made from the commands themselves. PURE. */

export interface CommandTree {
  readonly name: string;
  readonly flags: readonly string[];
  readonly flagsWithValue: readonly string[];
  /** Name of the first argument; empty: none. */
  readonly argument: string;
  readonly commands: readonly CommandTree[];
}

/** Commands whose first argument names a thing that exists, and how to list those things. */
const listings: readonly (readonly [prefix: string, argument: string, list: string])[] = [
  ["vm", "vm", "vm ls"],
  ["host", "host", "host ls"],
  ["network show", "name", "network ls"],
  ["network rm", "name", "network ls"],
  ["op", "id", "op ls"],
  ["explain vm", "name", "vm ls"],
];

interface Entry {
  readonly path: string;
  readonly words: readonly string[];
  readonly list: string;
}

function entriesOf(tree: CommandTree, path: string): readonly Entry[] {
  const list =
    listings.find(
      ([prefix, argument]) =>
        (path === prefix || path.startsWith(`${prefix} `)) && argument === tree.argument,
    )?.[2] ?? "";
  const words = [...tree.commands.map(({ name }) => name), ...tree.flags];
  const inner = tree.commands.flatMap((command) =>
    entriesOf(command, path === "" ? command.name : `${path} ${command.name}`),
  );
  return [{ path, words, list }, ...inner];
}

const flagsWithValueOf = (tree: CommandTree): readonly string[] => [
  ...tree.flagsWithValue,
  ...tree.commands.flatMap(flagsWithValueOf),
];

export function renderBashCompletion(tree: CommandTree): string {
  const entries = entriesOf(tree, "");
  const globals = tree.flags.join(" ");
  const cases = entries.map(({ path, words, list }) => {
    const names =
      list === ""
        ? ""
        : `; [[ $cur == -* ]] || names=$(muster ${list} -o name --timeout 2s 2>/dev/null)`;
    return `    "${path}") words="${words.join(" ")}"${names} ;;`;
  });
  const withValue = [...new Set(flagsWithValueOf(tree))].join("|");
  return `# bash completion for muster
_muster() {
  local cur=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path="" words="" names="" word skip=0 index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if ((skip)); then skip=0; continue; fi
    case $word in
      ${withValue}) skip=1 ;;
      -*) ;;
      *) _muster_known "\${path:+$path }$word" && path="\${path:+$path }$word" ;;
    esac
  done
  case $previous in
    -o|--output) COMPREPLY=($(compgen -W "table wide json yaml name" -- "$cur")); return ;;
    -f|--file|--identity) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${withValue}) return ;;
  esac
  case $path in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words $names ${globals}" -- "$cur"))
}
_muster_known() {
  case $1 in
    ${entries
      .map(({ path }) => path)
      .filter((path) => path !== "")
      .map((path) => `"${path}"`)
      .join("|")}) return 0 ;;
    *) return 1 ;;
  esac
}
complete -F _muster muster
`;
}
