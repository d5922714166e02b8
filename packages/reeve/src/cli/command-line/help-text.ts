import { displayWidth } from '../terminal/display-width.ts';
import type { Style } from '../terminal/style.ts';
import { findCommand, firstWords, groupOf } from './command-list.ts';
import type { CommandSpec, OptionSpec } from './command-table.ts';
import { usageLine } from './parse-command-line.ts';
import { GLOBAL_OPTIONS } from './tables/global-options.ts';

const EXAMPLES = [
  ['reeve up', 'start everything, in order, and wait until it is ready'],
  ['reeve ps', 'what runs'],
  ['reeve logs -f api', 'what a service says'],
  ['reeve why api', 'how it came to be as it is'],
  ['reeve stop', 'stop everything, and prove it'],
] as const;

/** `reeve help`: examples first, then every command. */
export function overview(style: Style): string {
  const commands = firstWords().map((word): [string, string] => {
    const group = groupOf(word);
    return [word, group.length > 0 ? groupSummary(group) : (findCommand(word)?.summary ?? '')];
  });
  return [
    'reeve knows every process of a project, keeps the ones it should alive, and leaves none behind.',
    section('Examples', EXAMPLES, style),
    section('Commands', commands, style),
    section('Options of every command', GLOBAL_OPTIONS.map(optionRow), style),
    'More on one of them: reeve help COMMAND\n',
  ].join('\n\n');
}

function groupSummary(group: readonly CommandSpec[]): string {
  return `The daemon: ${group.map(({ name }) => name.split(' ')[1]).join(', ')}`;
}

/** The help of a group: `reeve daemon`. */
export function groupHelp(word: string, style: Style): string {
  const rows = groupOf(word).map(({ name, summary }): [string, string] => [name, summary]);
  return `${section('Commands', rows, style)}\n\nMore on one of them: reeve help ${word} COMMAND\n`;
}

/** The help of one command. */
export function commandHelp(command: CommandSpec, style: Style): string {
  const parts = [
    `${command.summary}.`,
    section(
      'Examples',
      command.examples.map(({ line, what }) => [line, what]),
      style,
    ),
    `${style.paint('bold', 'Usage')}\n  ${usageLine(command)}`,
    command.options.length > 0 ? section('Options', command.options.map(optionRow), style) : null,
    ...(command.details ?? []).map((text) => wrap(text, style.width ?? 100)),
    'Options of every command (--json, --project, --home, …): reeve help\n',
  ];
  return parts.filter((part) => part !== null).join('\n\n');
}

export function optionRow(option: OptionSpec): readonly [string, string] {
  const short = option.short ? `-${option.short}, ` : '';
  return [`${short}--${option.name}${option.value ? ` ${option.value}` : ''}`, option.summary];
}

function section(title: string, rows: readonly (readonly [string, string])[], style: Style): string {
  const width = Math.max(...rows.map(([left]) => displayWidth(left)));
  const room = Math.max(30, (style.width ?? 120) - width - 5);
  const lines = rows.map(([left, right]) => {
    const [first = '', ...more] = wrap(right, room).split('\n');
    const padded = `  ${left}${' '.repeat(width - displayWidth(left))}   ${first}`;
    return [padded, ...more.map((line) => `${' '.repeat(width + 5)}${line}`)].join('\n');
  });
  return `${style.paint('bold', title)}\n${lines.join('\n')}`;
}

/** Breaks at spaces. */
function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
