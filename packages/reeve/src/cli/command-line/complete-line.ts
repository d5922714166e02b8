import { COMMANDS, findCommand, firstWords, groupOf, HIDDEN } from './command-list.ts';
import type { CommandSpec, Completion, OptionSpec } from './command-table.ts';
import { glance } from './parse-command-line.ts';
import { GLOBAL_OPTIONS } from './tables/global-options.ts';

export interface Candidate {
  readonly value: string;
  readonly what: string;
}
/** What may come at a place: fixed words, and a kind of name that must be looked up. */
export interface Wanted {
  readonly candidates: readonly Candidate[];
  readonly kind: Completion | null;
  /** Names that stand there already. */
  readonly used: readonly string[];
}

/** `words`: what stands after `reeve`; the last is the one being typed, perhaps empty. */
export function complete(words: readonly string[]): Wanted {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const { command, positionals } = glance(before);
  const options = [...(command?.options ?? []), ...GLOBAL_OPTIONS];
  const open = openOption(before.at(-1), options);
  if (open)
    return fixed(
      (open.values ?? []).map((value) => ({ value, what: '' })),
      open.complete ?? null,
    );
  const isVerbatim = command?.verbatimAfter !== undefined && positionals.length > command.verbatimAfter;
  if (isVerbatim) return fixed([], 'file');
  if (current.startsWith('-'))
    return fixed(
      options.map((o) => ({ value: `--${o.name}`, what: o.summary })),
      null,
    );
  if (!command) return fixed(wordsAfter(positionals), null);
  return argument(command, positionals);
}

function fixed(candidates: readonly Candidate[], kind: Completion | null, used: readonly string[] = []): Wanted {
  return { candidates, kind, used };
}

/** The option that still lacks its value. */
function openOption(word: string | undefined, options: readonly OptionSpec[]): OptionSpec | null {
  const match = (o: OptionSpec): boolean => word === `--${o.name}` || (o.short !== undefined && word === `-${o.short}`);
  return options.find((option) => option.value !== undefined && match(option)) ?? null;
}

function wordsAfter([first]: readonly string[]): readonly Candidate[] {
  const group = first === undefined ? [] : groupOf(first);
  if (group.length > 0) return group.map(({ name, summary }) => ({ value: name.split(' ')[1] ?? name, what: summary }));
  return first === undefined
    ? firstWords().map((word) => ({ value: word, what: findCommand(word)?.summary ?? '' }))
    : [];
}

function argument(command: CommandSpec, positionals: readonly string[]): Wanted {
  if (command.name === 'help') return fixed(helpWords(positionals), null);
  if (command === HIDDEN) return fixed([], null);
  const spec = command.arguments[positionals.length] ?? command.arguments.find((each) => each.many);
  if (!spec) return fixed([], null);
  return fixed(
    (spec.values ?? []).map((value) => ({ value, what: '' })),
    spec.complete ?? null,
    positionals,
  );
}

function helpWords(positionals: readonly string[]): readonly Candidate[] {
  const more = wordsAfter(positionals);
  return positionals.length === 0
    ? more
    : more.filter(({ value }) => COMMANDS.some(({ name }) => name === `${positionals[0]} ${value}`));
}
