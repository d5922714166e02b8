import type { CommandSpec } from '@reeve/contract';
import { stringCommand, wordsCommand } from '../core/spec/command-line.ts';
import type { Cursor } from './cursor.ts';

const NONE: CommandSpec = { text: '', how: { kind: 'argv', argv: [] } };

/** A command in either form. `shell`: the service's override. Something stands in where nothing right is given. */
export function readCommand(cursor: Cursor, shell: string | false | null = null): CommandSpec {
  if (cursor.node?.kind === 'list') return readWords(cursor, shell);
  if (cursor.node?.kind !== 'scalar' || typeof cursor.node.value !== 'string') return NONE;
  const text = cursor.raw();
  if (text === null || text === '') return NONE;
  const command = stringCommand(text, shell);
  if (!('kind' in command)) return command;
  const start = cursor.node.at.start + command.at;
  const plain = cursor.reading.text.startsWith(text.slice(command.at), start);
  cursor.fault(command.why, {
    at: plain ? { start, end: start + 1 } : undefined,
    expected: 'a program and its arguments',
  });
  return NONE;
}

function readWords(cursor: Cursor, shell: string | false | null): CommandSpec {
  if (typeof shell === 'string') {
    cursor.fault('is a list of words, but `shell` is set', { expected: 'a text for the shell, or no `shell`' });
  }
  const words = cursor.items().map((item) => item.raw() ?? '');
  if (words[0] === '')
    cursor.items()[0]?.fault('the program to run is an empty word', { expected: 'the program to run' });
  return wordsCommand(words);
}

/** `shell:` → null: by the rule; false: never; a path: always that one. */
export function readShell(cursor: Cursor): string | false | null {
  const flag = cursor.bool();
  if (flag !== null) return flag ? '/bin/sh' : false;
  return cursor.node?.kind === 'scalar' && typeof cursor.node.value === 'string' ? cursor.now() : null;
}
