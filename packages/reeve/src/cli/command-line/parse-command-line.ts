import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ReeveError } from '@reeve/contract';
import { nearestName } from '../../core/spec/nearest-name.ts';
import type { Arguments } from '../context.ts';
import { COMMANDS, findCommand, firstWords, groupOf } from './command-list.ts';
import type { CommandSpec, OptionSpec } from './command-table.ts';
import { GLOBAL_OPTIONS } from './tables/global-options.ts';
import { SAME, THEIRS } from './words-of-others.ts';

type Tokens = readonly NonNullable<ReturnType<typeof tokenize>>[number][];

/**
 * Takes a command line apart. Options may stand anywhere, before the command too; `run` and `exec` leave what follows
 * their own arguments untouched. Throws USAGE, with the nearest right name, for what the table does not know.
 */
export function parseCommandLine(argv: readonly string[]): Arguments {
  const tokens = tokenize(argv);
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const wantsHelp = tokens.some((token) => token.kind === 'option' && token.name === 'help');
  if (words[0] === undefined || (wantsHelp && isGroupAlone(words))) return bare(tokens, words);
  const command = commandOf(words[0], words[1]);
  const used = command.name.split(' ').length;
  const cut =
    command.verbatimAfter === undefined ? argv.length : cutOf(tokens, used + command.verbatimAfter, argv.length);
  const own = tokens.filter((token) => token.index < cut);
  const options = readOptions(own, command);
  const positionals = own.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])).slice(used);
  const verbatim = withoutTerminator(argv.slice(cut));
  // `exec -- db psql`: reeve's own arguments may come after the terminator too.
  while (positionals.length < (command.verbatimAfter ?? 0) && verbatim[0] !== undefined) {
    positionals.push(verbatim[0]);
    verbatim.splice(0, 2, ...withoutTerminator(verbatim.slice(1, 2)));
  }
  const parsed = { command: command.name, positionals, verbatim, options };
  if (!options.has('help') && !options.has('version')) checkArguments(command, parsed);
  return parsed;
}

function withoutTerminator(words: readonly string[]): string[] {
  return words[0] === '--' ? words.slice(1) : [...words];
}

function isGroupAlone([first = '', second = '']: readonly string[]): boolean {
  const group = groupOf(first);
  return group.length > 0 && !group.some(({ name }) => name === `${first} ${second}`);
}

function checkArguments(command: CommandSpec, { positionals, verbatim }: Arguments): void {
  checkCount(command, [...positionals, ...(command.verbatimAfter === undefined ? [] : verbatim)]);
  checkValues(command, positionals);
}

/** Every option of every command: an option's arity is the same wherever it is known, so the words can be classified. */
function tokenize(argv: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const spec of [...GLOBAL_OPTIONS, ...COMMANDS.flatMap((command) => command.options)]) {
    options[spec.name] = {
      type: spec.value === undefined ? 'boolean' : 'string',
      ...(spec.short ? { short: spec.short } : {}),
    };
  }
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  return tokens;
}

function commandOf(first: string, second: string | undefined): CommandSpec {
  const group = groupOf(first);
  if (group.length > 0) return subcommandOf(first, second, group);
  const command = findCommand(first) ?? findCommand(SAME[first] ?? '');
  if (command) return command;
  const theirs = THEIRS[first];
  if (theirs !== undefined) {
    throw new ReeveError('USAGE', { message: `unknown command "${first}"`, hint: `in reeve: ${theirs}` });
  }
  const near = nearestName(first, firstWords());
  throw new ReeveError('USAGE', {
    message: `unknown command "${first}"`,
    hint: near === null ? undefined : `did you mean reeve ${near}? reeve help shows the commands`,
  });
}

function subcommandOf(first: string, second: string | undefined, group: readonly CommandSpec[]): CommandSpec {
  const names = group.map(({ name }) => name.slice(first.length + 1));
  const command = group.find(({ name }) => name === `${first} ${second}`);
  if (command) return command;
  const near = second === undefined ? null : nearestName(second, names);
  throw new ReeveError('USAGE', {
    message:
      second === undefined
        ? `reeve ${first} needs one of: ${names.join(', ')}`
        : `unknown command "${first} ${second}"`,
    hint: near === null ? `reeve help ${first}` : `did you mean reeve ${first} ${near}?`,
  });
}

/** No command, or a group without one: the help, or the version. */
function bare(tokens: Tokens, positionals: readonly string[]): Arguments {
  const options = readOptions(tokens, null);
  return { command: options.has('version') ? 'version' : 'help', positionals, verbatim: [], options };
}

/** Where another command's words begin: at positional number `nth`, or at `--` if that comes first. */
function cutOf(tokens: Tokens, nth: number, end: number): number {
  let seen = 0;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') return token.index;
    if (token.kind === 'positional' && seen++ === nth) return token.index;
  }
  return end;
}

function readOptions(tokens: Tokens, command: CommandSpec | null): ReadonlyMap<string, string | true> {
  const known = [...(command?.options ?? []), ...GLOBAL_OPTIONS];
  const options = new Map<string, string | true>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const spec = known.find(({ name }) => name === token.name);
    if (!spec) throw unknownOption(token.rawName, token.name, command, known);
    options.set(spec.name, readValue(spec, token.value));
  }
  return options;
}

function readValue(spec: OptionSpec, value: string | undefined): string | true {
  const shown = `--${spec.name}`;
  if (spec.value === undefined) {
    if (value === undefined) return true;
    throw new ReeveError('USAGE', { message: `${shown} takes no value`, hint: `use just ${shown}` });
  }
  if (value === undefined || value === '') {
    throw new ReeveError('USAGE', {
      message: `${shown} needs a value`,
      hint: `${shown} ${spec.values?.join('|') ?? spec.value}`,
    });
  }
  if (spec.values && !spec.values.includes(value)) throw notOneOf(shown, value, spec.values);
  spec.check?.(value, spec.name);
  return value;
}

function notOneOf(what: string, value: string, values: readonly string[]): ReeveError {
  const near = nearestName(value, values);
  return new ReeveError('USAGE', {
    message: `${what} cannot be "${value}"`,
    hint: near === null ? `one of: ${values.join(', ')}` : `did you mean ${near}? One of: ${values.join(', ')}`,
  });
}

function unknownOption(
  raw: string,
  name: string,
  command: CommandSpec | null,
  known: readonly OptionSpec[],
): ReeveError {
  const isLong = raw.startsWith('--');
  const near = isLong
    ? nearestName(
        name,
        known.map((option) => option.name),
      )
    : null;
  const where = command ? `reeve ${command.name}` : 'reeve';
  return new ReeveError('USAGE', {
    message: `${where} has no option ${raw}`,
    hint: near === null ? `${where} --help shows its options` : `did you mean --${near}?`,
  });
}

function checkCount(command: CommandSpec, given: readonly string[]): void {
  const { arguments: specs } = command;
  const missing = specs.find((spec, i) => spec.required && given[i] === undefined);
  if (missing) {
    throw new ReeveError('USAGE', {
      message: `reeve ${command.name} needs <${missing.name}>`,
      hint: `${usageLine(command)}; for example: ${command.examples[0]?.line ?? ''}`,
    });
  }
  const most = specs.some((spec) => spec.many) ? Number.POSITIVE_INFINITY : specs.length;
  if (given.length <= most) return;
  throw new ReeveError('USAGE', {
    message: `reeve ${command.name} takes ${most === 0 ? 'no' : `at most ${most}`} argument${most === 1 ? '' : 's'}: "${given[most]}" is too much`,
    hint: usageLine(command),
  });
}

function checkValues(command: CommandSpec, positionals: readonly string[]): void {
  command.arguments.forEach((spec, i) => {
    const value = positionals[i];
    if (spec.values && value !== undefined && !spec.values.includes(value)) {
      throw notOneOf(`<${spec.name}>`, value, spec.values);
    }
  });
}

/** `reeve logs [svc…] [options]` */
export function usageLine({ name, arguments: specs, options }: CommandSpec): string {
  const words = specs.map((spec) => {
    const inner = `${spec.values?.join('|') ?? spec.name}${spec.many ? '…' : ''}`;
    return spec.required ? `<${inner}>` : `[${inner}]`;
  });
  return ['reeve', name, ...(options.length > 0 ? ['[options]'] : []), ...words].join(' ');
}

/** A line that is still being typed: what is known of it. Nothing is refused. */
export function glance(
  words: readonly string[],
): Omit<Arguments, 'command' | 'verbatim'> & { readonly command: CommandSpec | null } {
  const tokens = tokenize(words);
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const options = new Map<string, string | true>();
  for (const token of tokens) if (token.kind === 'option') options.set(token.name, token.value ?? true);
  const [first = '', second = ''] = positionals;
  const command = findCommand(`${first} ${second}`) ?? findCommand(first);
  return { command, positionals: positionals.slice(command?.name.split(' ').length ?? 0), options };
}
